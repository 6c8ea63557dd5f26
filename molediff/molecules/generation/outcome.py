"""What the numbers of one molecule amount to: its status, the reason for it, and what the user can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from molediff.molecules.generation.check import Check
from molediff.molecules.generation.result import Status
from molediff.runtime.words import counted

RELAXATION = "relaxation"
"""The name under which conformers count whose relaxation failed, or ended at what failed a check."""

EMBEDDING = "embedding"
"""The name under which samples count that RDKit gave no structure to begin with."""

# Where more samples would fail in the same way, what helps stands alone.
_NOT_MENDED_BY_MORE = {
    RELAXATION: "their minima are not this molecule; leave relax out",
    EMBEDDING: "RDKit embeds it seldom or never; give a Mol with conformers and init='given'",
    "fixed": "check that the stereo asked for is possible with the fixed atoms where they are",
    "known_minimum": "these weights miss the minima of this molecule, which are known; relax='gfn2' ends in one",
}
OUTSIDE = "outside what these weights were trained on: "
"""How the caution about a molecule outside the domain begins."""
MISSED = (
    "these weights often leave such bonds more than 0.03 Å or 4° off their minimum, "
    "to which relax='gfn2' moves them: "
)
"""How the caution about bonds begins that were learned badly."""
NOT_KNOWN = (
    "no weights that ship are known to return such molecules: take conformers from elsewhere, "
    "relaxed with GFN2-xTB"
)
IMPOSSIBLE_STEREO = "this stereoisomer is not possible as a strain-free structure: check its marks"
"""Distance geometry builds none either."""
MORE = "num_steps or max_attempts"
MORE_OF_AUTO = "max_attempts, or num_steps with weights='qm9'"
"""Where weights are picked by the molecule, there are no steps to set."""
MORE_ATTEMPTS = "max_attempts"
"""What is refined depends on what it begins with, and distilled weights know the steps of one grid and no more."""


def known_by(weights: str) -> str:
    """The advice where other weights know a molecule, those that `molecules.auto` takes for it."""
    return f"these weights do not know such molecules; try from_pretrained() without a name, or {weights!r}"


def too_small(smallest: int, others: Sequence[str]) -> str:
    """Why a molecule outside the domain is refused that has fewer heavy atoms than `smallest`; `others` know it."""
    what_to_do = "use the weights 'auto'" if others else "no weights that ship know it"
    return f"molecules of fewer than {smallest} heavy atoms come out wrong then, {what_to_do}"


def misread(atoms: Sequence[int]) -> str:
    """A word of caution where RDKit reads another hand than was asked for, and has."""
    return (
        f"atom {', '.join(map(str, atoms))} lies outside its four neighbours, as in some cages: RDKit reads its hand "
        "wrong off these coordinates"
    )


def by_force_field(num: int) -> str:
    """A word of caution about conformers that the network has no part in."""
    return (
        f"{counted(num, 'conformer')} of a force field alone (MMFF94s, or UFF where that has no parameters), whose "
        "bonds may be off by 0.1 Å: the network left impossible ones at every attempt"
    )


def by_two(num_other: int, num: int, first: str, other: str) -> str:
    """A word of caution about conformers of two kinds of weights, which were taught minima of two methods."""
    of_all = f"{num_other} of {counted(num, 'conformer')}"
    return f"{of_all} by the weights {other!r}, as samples of {first!r} failed the checks"


def too_few_starts(num_given: int, num_conformers: int) -> str:
    """A word of caution where given conformers are taken more than once: refinement adds no chance."""
    return f"{counted(num_given, 'conformer')} given for {num_conformers}: some of what came out is alike"


def other_stereo(num: int, num_given: int) -> str:
    """A word of caution about given conformers that are another stereoisomer than the marks of their Mol say."""
    return (
        f"{num} of {counted(num_given, 'conformer')} given with another stereo than the marks of the "
        "Mol, such as a mirror "
        "image's: read the marks off them (Chem.AssignStereochemistryFrom3D), or give others"
    )


def status_of(num_requested: int, num_missing: int, num_left: int, problems: Sequence[str] = ()) -> Status:
    """ "ok" if all that was asked for is there, "failed" without a conformer, "partial" between.

    Args:
        num_requested: conformers asked for.
        num_missing: those of them for which there is no good sample.
        num_left: conformers handed out; fewer than were found if some were left out on purpose.
        problems: what was asked for beside and could not be had.
    """
    if num_missing == num_requested or num_left == 0:
        return "failed"
    return "partial" if num_missing or problems else "ok"


def remedy(rejected: Mapping[str, int], checks: Iterable[Check], more: str = MORE, late: bool = False) -> str:
    """What to do about the kind of rejection that is most frequent, one clause.

    Args:
        rejected: number of samples by the check that they failed.
        checks: whose remedies are known.
        more: settings that draw more or better samples.
        late: time ran out.
    """
    if late:
        return "allow a longer timeout"
    most = max(
        (name for name, count in rejected.items() if count), key=lambda name: rejected[name], default=""
    )
    if most in _NOT_MENDED_BY_MORE:
        return _NOT_MENDED_BY_MORE[most]
    own = {check.name: check.remedy for check in checks}.get(most)
    return f"{own}, or try more {more}" if own else f"try more {more}"


def shortage(
    num_requested: int, num_missing: int, num_drawn: int, rejected: Mapping[str, int], remedy: str
) -> str:
    """A sentence on conformers that are missing."""
    counts = ", ".join(f"{name} {count}" for name, count in rejected.items() if count)
    return (
        f"{num_missing} of {counted(num_requested, 'conformer')} missing after {counted(num_drawn, 'sample')} "
        f"(rejected: {counts or 'none'}): {remedy}"
    )
