"""How hydroxyl, amino and methyl groups are turned: staggered, or in the plane of what they hang on."""

from __future__ import annotations

import numpy as np
from rdkit import Chem

from molediff.molecules.rotors import BETWEEN_HEAVY, METHYL, Rotors

_SPREAD = 8.0  # degrees, about as far as minima lie from the ideal
_STAGGERED, _IN_PLANE, _SYN, _SIX = (60.0, 180.0, -60.0), (0.0, 180.0), (0.0,), (0.0, 60.0)


class HydrogenTorsions:
    """Torsions of the rotatable bonds that turn hydrogens alone.

    Args:
        mol: explicit hydrogens.
        rotors: all of the molecule.
    """

    def __init__(self, mol: Chem.Mol, rotors: Rotors):
        self.rotors = rotors.subset(rotors.kind != BETWEEN_HEAVY)
        self._places = [
            _places(mol, torsion, kind)
            for torsion, kind in zip(self.rotors.torsions.tolist(), self.rotors.kind, strict=True)
        ]

    def turned(self, x: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Points (n, N, 3) with each of the torsions drawn."""
        if not len(self.rotors):
            return x
        drawn = np.stack([random.choice(places, len(x)) for places in self._places], axis=1)
        drawn += _SPREAD * random.standard_normal(drawn.shape)
        return self.rotors.turn(x, drawn - self.rotors.angles(x))


def _places(mol: Chem.Mol, torsion: list[int], kind: int) -> tuple[float, ...]:
    """Where the torsion i-j-k-l may be, in degrees."""
    i, j, k, _ = torsion
    if not _bears_heavy(mol, j, k):
        i, j, k = torsion[3], k, j
    if not _is_flat(mol, j):
        return _STAGGERED
    doubly = mol.GetBondBetweenAtoms(i, j).GetBondType() == Chem.BondType.DOUBLE
    if kind == METHYL:
        return _SYN if doubly else _SIX
    acid = mol.GetAtomWithIdx(k).GetAtomicNum() == 8 and mol.GetAtomWithIdx(i).GetAtomicNum() == 8 and doubly
    return _SYN if acid else _IN_PLANE


def _bears_heavy(mol: Chem.Mol, atom: int, other: int) -> bool:
    return any(n.GetAtomicNum() > 1 for n in mol.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() != other)


def _is_flat(mol: Chem.Mol, atom: int) -> bool:
    found = mol.GetAtomWithIdx(atom)
    return found.GetDegree() == 3 and found.GetHybridization() == Chem.HybridizationType.SP2
