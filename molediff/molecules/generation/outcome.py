"""What the numbers of one molecule amount to: its status, the reason for it, and what the user can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from molediff.molecules.generation.check import Check
from molediff.molecules.generation.result import Status
from molediff.molecules.perception.protons import MovedProton
from molediff.runtime.words import counted

RELAXATION = "relaxation"
"""The name under which conformers count whose relaxation failed, or ended at what failed a check."""

EMBEDDING = "embedding"
"""The name under which samples count that RDKit gave no structure to begin with."""

# Where more samples would fail in the same way, what helps stands alone.
_NOT_MENDED_BY_MORE = {
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
LEARNED_OF_CHARGES = (
    "learned energies of molecules with charges may be off by 2 kcal/mol and more, as large differences come out too "
    "small: for numbers take energies='aimnet2' or 'gfn2'"
)
"""A word of caution about energies that the network tells."""
PROTON_MAY_MOVE = (
    "a zwitterion whose proton may move in vacuum: energies are those of the form drawn, which may be no minimum; give "
    "the neutral form, or take relax='gfn2' to see whether it stays"
)
"""A word of caution about energies of amino acids and their like."""
IMPOSSIBLE_STEREO = "this stereoisomer seems not possible as a strain-free structure: check its marks"
"""Distance geometry builds none either."""
LONGER = "allow a longer timeout"
LONGER_OR_STEREO = "no embedding has the stereo asked for yet: check its marks, or allow a longer timeout"
OTHER_STARTS = "give other conformers to begin with, as more max_attempts would end likewise"
HELD = "the others may have no room, or not reach, with the fixed atoms where they are: fix fewer of them, or elsewhere"
"""Of atoms that are held nothing is known but their own bonds, angles and contacts."""
_WITHOUT_RELAX = "leave relax out"
_IN_ANOTHER_FORM = f"give the neutral form, or {_WITHOUT_RELAX}"


def known_by(weights: str) -> str:
    """The advice where other weights know a molecule, those that `molecules.auto` takes for it."""
    return f"these weights do not know such molecules; try the weights {weights!r}, as 'auto' does"


def better_known_by(weights: str) -> str:
    """A word of caution where other weights know a molecule and these do not, although conformers pass the checks."""
    return (
        "these weights do not know such molecules, and may strain them; "
        f"the weights {weights!r} do, which 'auto' takes"
    )


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
        "bonds may be off by 0.1 Å: the network left impossible ones"
    )


def by_two(num_other: int, num: int, first: str, other: str) -> str:
    """A word of caution about conformers of two kinds of weights, which were taught minima of two methods."""
    of_all = f"{num_other:,} of {counted(num, 'conformer')}"
    return f"{of_all} are drawn by {other!r}, as samples of {first!r} failed the checks"


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


def raised(error: Exception) -> str:
    """What RDKit raised about a molecule that it had read."""
    said = " ".join(str(error).split())
    return f"RDKit failed with this molecule ({type(error).__name__}: {said[:200]}): give it anew as a SMILES"


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


def remedy(
    rejected: Mapping[str, int], checks: Iterable[Check], what_else: str, weights: str | None = None
) -> str:
    """What to do about the kind of rejection of samples that is most frequent, one clause.

    Args:
        rejected: number of samples by the check that they failed.
        checks: whose remedies are known.
        what_else: what to do where nothing is known of a check, such as to try more attempts.
        weights: their name.
    """
    counts = {name: count for name, count in rejected.items() if count and name != RELAXATION}
    most = max(counts, key=lambda name: counts[name], default="")
    if most == EMBEDDING:
        return f"RDKit embeds it seldom or never; give a Mol with conformers, weights={weights!r} and init='given'"
    if most in _NOT_MENDED_BY_MORE:
        return _NOT_MENDED_BY_MORE[most]
    own = {check.name: check.remedy for check in checks}.get(most)
    return f"{own}, or {what_else}" if own else what_else


def either(*words: str) -> str:
    """Those that are not empty, one or the other."""
    return " or ".join(word for word in words if word)


def in_vain(others: str) -> str:
    """What to do where many samples in a row failed; `others` may help, if there are any."""
    what = f"try {others}" if others else "take conformers from elsewhere, relaxed with GFN2-xTB"
    return f"{what}, as more max_attempts would hardly help"


def proton_moved(moved: MovedProton, donor: str, acceptor: str) -> str:
    """What to do where relaxation moves a proton, from an atom of the element `donor` to one of `acceptor`."""
    return (
        f"in vacuum a proton (atom {moved.hydrogen}) moves from {donor} (atom {moved.donor}) to {acceptor} "
        f"(atom {moved.acceptor}): {_IN_ANOTHER_FORM}"
    )


def ended_elsewhere(failed: Mapping[str, int], is_zwitterion: bool) -> str:
    """What to do where relaxed conformers failed checks, or no minimum was found.

    Args:
        failed: number of relaxed conformers by the check that they failed.
        is_zwitterion: whether there are charges of both signs.
    """
    counts = _listed(failed)
    if not counts:
        return f"no minimum was found of them; {_WITHOUT_RELAX}"
    if is_zwitterion:
        return f"in vacuum opposite charges distort it too far ({counts}): {_IN_ANOTHER_FORM}"
    return f"their minima are not this molecule ({counts}); {_WITHOUT_RELAX}"


def _listed(counts: Mapping[str, int]) -> str:
    """`stereo 3, clash 1`."""
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)


def shortage(
    num_requested: int, num_missing: int, num_drawn: int, rejected: Mapping[str, int], remedy: str
) -> str:
    """A sentence on conformers that are missing."""
    return (
        f"{num_missing:,} of {counted(num_requested, 'conformer')} missing after {counted(num_drawn, 'sample')} "
        f"(rejected: {_listed(rejected) or 'none'}): {remedy}"
    )
