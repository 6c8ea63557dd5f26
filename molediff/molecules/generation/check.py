"""What a check of samples is: a rule that every conformer must meet before it is handed out.

A check of one's own is a class, or any function from a Mol to an object, with these three things:

    class SmallEnough:
        name = "too_long"
        remedy = "leave out the check, or fold the molecule"

        def __init__(self, mol):
            self.limit = 12.0

        def passes(self, x):
            extent = np.linalg.norm(x[:, :, None] - x[:, None], axis=-1).max((1, 2))
            return extent < self.limit

    generator.generate_many(smiles, checks=[SmallEnough])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from rdkit import Chem

from molediff.runtime.words import counted


class Check(Protocol):
    """A rule for the conformers of one molecule; its name and remedy may be plain attributes."""

    @property
    def name(self) -> str:
        """Under which `GenerationResult.num_rejected` counts the samples that fail."""
        ...

    @property
    def remedy(self) -> str:
        """What the user can do if most samples fail here, one clause without a full stop; empty: draw more of them."""
        ...

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Which conformers meet the rule, bool, shape (n,); x: finite, in Angstrom, shape (n, N, 3), n at least 1."""
        ...


CheckFactory = Callable[[Chem.Mol], Check]
"""From a molecule (sanitized, explicit hydrogens, no conformers) to its check."""


def as_factories(checks: Any) -> tuple[CheckFactory, ...]:
    """What the caller gave as checks, in a tuple.

    Raises:
        ValueError: it is no list, or holds something that makes no check.
    """
    several = isinstance(checks, Iterable) and not isinstance(checks, str | bytes)
    given = tuple(checks) if several else (checks,)
    if several and all(callable(make) for make in given):
        return given
    hint = ": put it in a list, checks=[...]" if callable(checks) else ""
    raise ValueError(
        f"checks must be a list of classes, or of functions from a Mol to a check; got {checks!r}{hint} "
        "(see molediff.molecules.generation.check)."
    )


def make_check(make: CheckFactory, mol: Chem.Mol) -> Check:
    """The check of a molecule.

    Raises:
        ValueError: what was made is no check.
    """
    check = make(mol)
    lacking = [name for name in ("name", "remedy", "passes") if not hasattr(check, name)]
    if lacking:
        raise ValueError(
            f"{make!r} of checks= made {check!r}, which has no {' and no '.join(lacking)}: a check has a name, a "
            "remedy and passes(x) (see molediff.molecules.generation.check)."
        )
    return check


def sieve(checks: Sequence[Check], x: np.ndarray) -> tuple[np.ndarray, dict[str, int]]:
    """Put conformers to the checks in turn; each check sees only those that passed the ones before it.

    Args:
        checks: in their order.
        x: finite, in Angstrom, shape (n, N, 3).

    Returns:
        Whether a conformer passed all, bool, shape (n,), and how many failed at each check, by its name.

    Raises:
        ValueError: a check does not give one boolean a conformer.
    """
    left = np.arange(len(x))
    failed: dict[str, int] = {}
    for check in checks:
        if not len(left):
            break
        passed = np.asarray(check.passes(x[left]))
        if passed.dtype != bool or passed.shape != left.shape:
            raise ValueError(
                f"The check {check.name!r} must give {counted(len(left), 'boolean')} for "
                f"{counted(len(left), 'conformer')}, one each; got "
                f"{passed.dtype} of shape {passed.shape}."
            )
        failed[check.name] = failed.get(check.name, 0) + int((~passed).sum())
        left = left[passed]
    good = np.zeros(len(x), dtype=bool)
    good[left] = True
    return good, failed
