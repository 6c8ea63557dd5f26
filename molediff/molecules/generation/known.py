"""A molecule whose minima are known is held against them."""

from __future__ import annotations

import numpy as np
from rdkit import Chem

from molediff.molecules.perception.known_minima import (
    ANGLE_TOLERANCE,
    BOND_TOLERANCE,
    EquivalentTerms,
)


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
        near = np.ones((len(x), len(self._minima[0])), dtype=bool)
        for mine, known, tolerance in zip(
            self._terms.canonical(x), self._minima, (BOND_TOLERANCE, ANGLE_TOLERANCE), strict=True
        ):
            near &= (np.abs(mine[:, None] - known) <= tolerance).all(-1)
        return np.asarray(near.any(1))
