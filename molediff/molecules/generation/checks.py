"""Is a set of coordinates the molecule it claims to be? Fast rules, all conformers at once.

The rules stand in for RDKit's `DetermineConnectivity`, which takes a few hundred microseconds a conformer,
knows one tolerance for all bonds and joins the bridgeheads of bicyclo[1.1.1]pentane (1.87 Angstrom apart in
truth) by a bond.
"""

from __future__ import annotations

import copy

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

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


class GeometryCheck:
    """Bond lengths and contacts of one molecule.

    Args:
        mol: sanitized, explicit hydrogens.
    """

    def __init__(self, mol: Chem.Mol):
        bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
        self.bonds = np.array(bonds, dtype=np.int64).reshape(-1, 2)
        self.lengths = np.array([bond_length(mol, i, j) for i, j in bonds])
        numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        radii = np.array([_TABLE.GetRcovalent(int(number)) for number in numbers])
        closest = CLOSEST_CONTACT * (radii[:, None] + radii)
        closest[np.ix_(numbers == 1, numbers == 1)] = CLOSEST_HYDROGENS
        apart = np.triu(np.ones_like(closest, dtype=bool), k=1)
        apart[self.bonds[:, 0], self.bonds[:, 1]] = apart[self.bonds[:, 1], self.bonds[:, 0]] = False
        self.pairs = np.argwhere(apart)
        self.closest_squared = closest[apart] ** 2

    def bonds_hold(self, x: np.ndarray) -> np.ndarray:
        """Whether all bond lengths are possible, bool, shape (n,); x: (n, N, 3) in Angstrom."""
        ratio = np.linalg.norm(x[:, self.bonds[:, 0]] - x[:, self.bonds[:, 1]], axis=-1) / self.lengths
        return ((ratio > SHORTEST_BOND) & (ratio < LONGEST_BOND)).all(axis=1)

    def atoms_keep_apart(self, x: np.ndarray) -> np.ndarray:
        """Whether no two atoms that are not bonded touch, bool, shape (n,); x: (n, N, 3) in Angstrom."""
        difference = x[:, self.pairs[:, 0]] - x[:, self.pairs[:, 1]]
        return (np.einsum("npk,npk->np", difference, difference) > self.closest_squared).all(axis=1)

    def allows(self, x: np.ndarray) -> bool:
        """Whether the atoms of `x`, (N, 3) in Angstrom, whose coordinates are known (the others are NaN) have possible
        bond lengths and distances.
        """
        known = np.isfinite(x).all(axis=1)
        part = copy.copy(self)
        bonded, apart = known[self.bonds].all(axis=1), known[self.pairs].all(axis=1)
        part.bonds, part.lengths = self.bonds[bonded], self.lengths[bonded]
        part.pairs, part.closest_squared = self.pairs[apart], self.closest_squared[apart]
        return bool(part.bonds_hold(x[None])[0] and part.atoms_keep_apart(x[None])[0])


def bond_length(mol: Chem.Mol, i: int, j: int) -> float:
    """Usual length of the bond between atoms i and j in Angstrom: UFF's rest length, else the sum of the
    covalent radii.
    """
    parameters = rdForceFieldHelpers.GetUFFBondStretchParams(mol, i, j)
    if parameters is not None:
        return float(parameters[1])
    return sum(_TABLE.GetRcovalent(mol.GetAtomWithIdx(k).GetAtomicNum()) for k in (i, j))
