"""Hydrogens whose bonds have an impossible length go to the length that such bonds have.

How long a bond to a hydrogen is, its carrier says almost alone: of the minima of GFN2-xTB and AIMNet2 in `data/` 98 %
lie within 0.02 Angstrom of the lengths below. A sample that is right but for such a bond need not be drawn again.
"""

from __future__ import annotations

import numpy as np
from rdkit import Chem

from molediff.molecules.generation.checks import BondLengths

_SP, _SP2, _SP3 = Chem.HybridizationType.SP, Chem.HybridizationType.SP2, Chem.HybridizationType.SP3

USUAL_LENGTHS = {
    (5, _SP2): 1.185,
    (5, _SP3): 1.205,
    (6, _SP): 1.05,
    (6, _SP2): 1.08,
    (6, _SP3): 1.09,
    (7, _SP2): 1.01,
    (7, _SP3): 1.015,
    (8, _SP2): 0.965,
    (8, _SP3): 0.964,
    (14, _SP3): 1.48,
    (15, _SP3): 1.41,
    (16, _SP3): 1.34,
    (34, _SP3): 1.46,
}
"""Medians in Angstrom, by atomic number and hybridization of the carrier: of 2,899 QM9 molecules in GFN2-xTB, those of
boron and of silicon and heavier elements of drug-like and rare molecules in AIMNet2."""

_SHORTEST, _LONGEST = 0.7, 1.4
"""Of the usual length. Beyond, the hydrogen is not where a bond of another length would have it: nothing is mended."""


class HydrogenLengths:
    """Moves hydrogens along their bonds, to the usual length, where the length is out of range.

    Args:
        mol: sanitized, explicit hydrogens.
        lengths: the check of the bonds of `mol`, whose ranges decide; None: nothing is moved.
    """

    def __init__(self, mol: Chem.Mol, lengths: BondLengths | None):
        rows = []
        for (i, j), low, high in [] if lengths is None else lengths.ranges():
            for atom, carrier in ((i, j), (j, i)):
                usual = _usual_length(mol.GetAtomWithIdx(atom), mol.GetAtomWithIdx(carrier))
                if usual is not None:
                    rows.append((atom, carrier, usual, low, high))
        table = np.array(rows, dtype=np.float64).reshape(-1, 5)
        self._hydrogens, self._carriers = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
        self._usual, self._low, self._high = table[:, 2], table[:, 3], table[:, 4]

    def mended(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Conformers (n, N, 3) in Angstrom with such hydrogens moved, and which had some, bool, shape (n,)."""
        bonds = x[:, self._hydrogens] - x[:, self._carriers]
        length = np.linalg.norm(bonds, axis=-1)
        wrong = (length < self._low) | (length > self._high)
        wrong &= (length > _SHORTEST * self._usual) & (length < _LONGEST * self._usual)
        if not wrong.any():
            return x, np.zeros(len(x), dtype=bool)
        factor = np.where(wrong, self._usual / np.maximum(length, 1e-6), 1.0)
        moved = x.copy()
        moved[:, self._hydrogens] = np.where(
            wrong[..., None], x[:, self._carriers] + bonds * factor[..., None], x[:, self._hydrogens]
        )
        return moved, wrong.any(axis=1)


def _usual_length(atom: Chem.Atom, carrier: Chem.Atom) -> float | None:
    if atom.GetAtomicNum() != 1 or atom.GetDegree() != 1:
        return None
    return USUAL_LENGTHS.get((carrier.GetAtomicNum(), carrier.GetHybridization()))
