"""Is a set of coordinates the molecule it claims to be? Fast rules, all conformers at once.

The rules stand in for RDKit's `DetermineConnectivity`, which takes a few hundred microseconds a conformer,
knows one tolerance for all bonds and joins the bridgeheads of bicyclo[1.1.1]pentane (1.87 Angstrom apart in
truth) by a bond.
"""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from molediff.molecules.generation.check import CheckFactory

# Bond lengths relative to UFF's rest length for the two atom types and the bond order. In 158,198 bonds of
# 8,509 QM9 training molecules the ratio lies between 0.865 (C-O in zwitterions) and 1.24 (N-O in strained
# aromatic rings), 99.8 % of them between 0.94 and 1.09.
SHORTEST_BOND = 0.8
LONGEST_BOND = 1.25

# Distances between atoms that are not bonded, relative to the sum of their covalent radii. In 15,000 QM9 training and
# validation molecules the least is 1.16, between the carbons across a strained cage, where `DetermineConnectivity`
# would draw a bond (dioxabicyclo[1.1.1]pentane: 1.11); 1 is a bond.
CLOSEST_CONTACT = 1.05
# Two hydrogens: the radii say next to nothing (0.62 Angstrom); the nearest in the same molecules are 1.6
# Angstrom apart.
CLOSEST_HYDROGENS = 1.2

_TABLE = Chem.GetPeriodicTable()


class BondLengths:
    """Every bond has a length that its two atoms and its order allow.

    An atom with a coordinate of NaN is left out: what is not known is not wrong.

    Args:
        mol: sanitized, explicit hydrogens.
    """

    name = "bond_length"
    remedy = ""

    def __init__(self, mol: Chem.Mol):
        self._bonds = _bonded_pairs(mol)
        self._lengths = np.array([bond_length(mol, int(i), int(j)) for i, j in self._bonds])

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether all bond lengths are possible, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        distance = np.linalg.norm(x[:, self._bonds[:, 0]] - x[:, self._bonds[:, 1]], axis=-1)
        ratio = distance / self._lengths
        return ~((ratio <= SHORTEST_BOND) | (ratio >= LONGEST_BOND)).any(axis=1)


class Clashes:
    """No two atoms that are not bonded touch.

    An atom with a coordinate of NaN is left out: what is not known is not wrong.

    Args:
        mol: sanitized, explicit hydrogens.
    """

    name = "clash"
    remedy = ""

    def __init__(self, mol: Chem.Mol):
        bonds = _bonded_pairs(mol)
        numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        radii = np.array([_TABLE.GetRcovalent(int(number)) for number in numbers])
        closest = CLOSEST_CONTACT * (radii[:, None] + radii)
        closest[np.ix_(numbers == 1, numbers == 1)] = CLOSEST_HYDROGENS
        apart = np.triu(np.ones_like(closest, dtype=bool), k=1)
        apart[bonds[:, 0], bonds[:, 1]] = apart[bonds[:, 1], bonds[:, 0]] = False
        self._pairs = np.argwhere(apart)
        self._closest_squared = closest[apart] ** 2

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether all contacts are possible, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        difference = x[:, self._pairs[:, 0]] - x[:, self._pairs[:, 1]]
        return ~(np.einsum("npk,npk->np", difference, difference) <= self._closest_squared).any(axis=1)


CHECKS: tuple[CheckFactory, ...] = (BondLengths, Clashes)
"""What every conformer is put to, in this order, before it is handed out and again after it was relaxed. That its
coordinates are finite, its stereo right and fixed atoms in their places is seen to before."""


def _bonded_pairs(mol: Chem.Mol) -> np.ndarray:
    """Atoms of each bond, int64, shape (number of bonds, 2)."""
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    return np.array(bonds, dtype=np.int64).reshape(-1, 2)


def bond_length(mol: Chem.Mol, i: int, j: int) -> float:
    """Usual length of the bond between atoms i and j in Angstrom: UFF's rest length, else the sum of the
    covalent radii.
    """
    parameters = rdForceFieldHelpers.GetUFFBondStretchParams(mol, i, j)
    if parameters is not None:
        return float(parameters[1])
    return sum(_TABLE.GetRcovalent(mol.GetAtomWithIdx(k).GetAtomicNum()) for k in (i, j))
