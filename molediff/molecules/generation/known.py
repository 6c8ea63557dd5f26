"""A molecule whose minima are known is held against them."""

from __future__ import annotations

import numpy as np
from rdkit import Chem

from molediff.molecules.generation.least_change import moved_to
from molediff.molecules.perception.known_minima import (
    ANGLE_TOLERANCE,
    BOND_TOLERANCE,
    EquivalentTerms,
)

_NEAR = 2.5
"""In tolerances: what lies no farther beside a minimum is moved to within `_INSIDE` of it."""
_INSIDE = 0.5


class KnownMinimum:
    """All bonds and angles of a molecule are those of one of its minima.

    It is for samples of weights that were taught such minima: those of another method than GFN2-xTB may lie beside.

    Args:
        mol: sanitized, explicit hydrogens.
        minima: what `known_minima` says of it.
    """

    name = "known_minimum"
    remedy = ""

    def __init__(self, mol: Chem.Mol, minima: tuple[np.ndarray, np.ndarray]):
        self._minima, self._terms = minima, EquivalentTerms(mol)

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether bonds are within 0.03 Angstrom and angles within 4 degrees of a minimum, bool, shape (n,)."""
        return np.asarray(self._apart(x).min(1) <= 1)

    def mended(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Conformers (n, N, 3) of which those a little beside a minimum are moved to it, and which were, bool, (n,).

        The nearest minimum counts. A bond or an angle moves as far as it must, torsions stay nearly as they are.
        """
        apart = self._apart(x)
        nearest, least = apart.argmin(1), apart.min(1)
        beside = (least > 1) & (least <= _NEAR)
        if not beside.any():
            return x, beside
        wanted = []
        for mine, known, orders, tolerance in zip(
            self._terms.canonical(x[beside]),
            self._minima,
            self._terms.places(x[beside]),
            (BOND_TOLERANCE, ANGLE_TOLERANCE),
            strict=True,
        ):
            target = known[nearest[beside]]
            clipped = np.clip(mine, target - _INSIDE * tolerance, target + _INSIDE * tolerance)
            back = np.empty_like(clipped)
            np.put_along_axis(back, orders, clipped, axis=1)
            wanted.append(back)
        moved = x.copy()
        moved[beside] = moved_to(x[beside], self._terms.bonds, wanted[0], self._terms.angles, wanted[1])
        return moved, beside

    def _apart(self, x: np.ndarray) -> np.ndarray:
        """How far each conformer is from each minimum, in tolerances of the term farthest off, shape (n, minima)."""
        values, tolerances = self._terms.canonical(x), (BOND_TOLERANCE, ANGLE_TOLERANCE)
        far = [
            np.abs(mine[:, None] - known).max(-1, initial=0.0) / tolerance
            for mine, known, tolerance in zip(values, self._minima, tolerances, strict=True)
        ]
        return np.asarray(np.maximum(*far))
