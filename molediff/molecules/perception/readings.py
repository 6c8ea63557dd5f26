"""How coordinates are read as stereo, of many conformers at once: which of them RDKit must read alike."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from rdkit import Chem

# RDKit takes three bonds of an atom for flat below this volume of their unit vectors, and then looks at others.
_FLAT = 0.1
_NEAR = 0.02  # of a border, where details of the reading may decide
_LINEAR = 0.95  # cosine of an angle at a double bond, beyond which its direction says little


class Readings:
    """What of the coordinates decides how RDKit reads the stereo of a molecule.

    Args:
        mol: explicit hydrogens, stereo left open.
    """

    def __init__(self, mol: Chem.Mol) -> None:
        arms: list[tuple[int, int]] = []
        triples: list[tuple[int, ...]] = []
        torsions: list[tuple[int, int, int, int]] = []
        self._usual = True
        for atom in mol.GetAtoms():
            around = [bond.GetOtherAtomIdx(atom.GetIdx()) for bond in atom.GetBonds()]
            if len(around) > 4:
                self._usual = False  # no tetrahedron: RDKit is asked each time
            if len(around) in (3, 4) and _can_be_a_centre(atom):
                places = range(len(arms), len(arms) + len(around))
                arms += [(atom.GetIdx(), other) for other in around]
                triples += combinations(places, 3)
        for bond in mol.GetBonds():
            if bond.GetBondType() == Chem.BondType.DOUBLE and not bond.GetIsAromatic():
                torsions += _torsions(bond.GetBeginAtom(), bond.GetEndAtom())
        self._arms = np.array(arms, dtype=np.int64).reshape(-1, 2)
        self._triples = np.array(triples, dtype=np.int64).reshape(-1, 3)
        self._torsions = np.array(torsions, dtype=np.int64).reshape(-1, 4)

    def of(self, x: np.ndarray) -> list[bytes | None]:
        """A key of each reading, None near a border of one; x: finite, in Angstrom, shape (n, N, 3)."""
        volumes = self._volumes(x)
        cosines, bends = self._turns(x)
        near = np.abs(np.abs(volumes) - _FLAT) < _NEAR
        turning = (np.abs(cosines) < _NEAR) | (bends > _LINEAR)
        known = np.isfinite(volumes).all(1) & np.isfinite(cosines).all(1)
        clear = known & ~near.any(1) & ~turning.any(1) & self._usual
        bits = np.packbits(np.concatenate([volumes > _FLAT, volumes < -_FLAT, cosines > 0], axis=1), axis=1)
        return [row.tobytes() if is_clear else None for row, is_clear in zip(bits, clear, strict=True)]

    def _volumes(self, x: np.ndarray) -> np.ndarray:
        """Volumes that the unit vectors of three bonds of an atom span, (n, T)."""
        arms = _unit(x[:, self._arms[:, 1]] - x[:, self._arms[:, 0]])
        (a, b, c), (d, e, f), (g, h, i) = (np.moveaxis(arms[:, column], -1, 0) for column in self._triples.T)
        return np.asarray(a * (e * i - f * h) + b * (f * g - d * i) + c * (d * h - e * g))

    def _turns(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cosines of the torsions about double bonds, and the larger cosine of the angles at their ends, (n, T)."""
        a, i, j, b = (x[:, column] for column in self._torsions.T)
        axis, first, last = _unit(j - i), _unit(a - i), _unit(b - j)
        along, back = (np.einsum("nti,nti->nt", leg, axis) for leg in (first, last))
        across = _unit(first - along[..., None] * axis), _unit(last - back[..., None] * axis)
        cosines = np.asarray(np.einsum("nti,nti->nt", *across))
        return cosines, np.maximum(np.abs(along), np.abs(back))


def _can_be_a_centre(atom: Chem.Atom) -> bool:
    """Whether it is none of those that never are: with two hydrogens, which are alike, flat, or quick to turn over."""
    if atom.GetDegree() == 3 and (
        atom.GetSymbol() == "C" or (atom.GetSymbol() == "N" and not atom.IsInRing())
    ):
        return False
    alike = [n for n in atom.GetNeighbors() if n.GetAtomicNum() == 1 and n.GetIsotope() == 0]
    return atom.GetAtomicNum() > 1 and len(alike) < 2


def _torsions(i: Chem.Atom, j: Chem.Atom) -> list[tuple[int, int, int, int]]:
    begin, end = i.GetIdx(), j.GetIdx()
    return [
        (a.GetIdx(), begin, end, b.GetIdx())
        for a in i.GetNeighbors()
        for b in j.GetNeighbors()
        if a.GetIdx() != end and b.GetIdx() != begin and a.GetIdx() != b.GetIdx()
    ]


def _unit(vectors: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(vectors / np.sqrt(np.einsum("ntk,ntk->nt", vectors, vectors))[..., None])
