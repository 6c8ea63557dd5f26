"""Which hydrogens are no longer on the atom that the bonds say: in vacuum protons of zwitterions and ion pairs move."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from rdkit import Chem

_TABLE = Chem.GetPeriodicTable()


class MovedProton(NamedTuple):
    """A hydrogen that left its atom for another.

    Attributes:
        hydrogen, donor, acceptor: indices of atoms.
    """

    hydrogen: int
    donor: int
    acceptor: int


def moved_protons(mol: Chem.Mol, x: np.ndarray) -> Counter[MovedProton]:
    """Hydrogens that are nearer to another heavy atom than to their own, and in how many conformers.

    Distances count in units of the sum of the covalent radii. A hydrogen on carbon is no proton that moves.

    Args:
        mol: explicit hydrogens.
        x: shape (n, N, 3), in Angstrom, n or N may be anything.
    """
    radii = np.array([_TABLE.GetRcovalent(atom.GetAtomicNum()) for atom in mol.GetAtoms()])
    heavy = np.array([atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1], dtype=np.int64)
    bearers = {
        atom.GetIdx(): neighbour.GetIdx()
        for atom in mol.GetAtoms()
        if atom.GetAtomicNum() == 1
        for neighbour in atom.GetNeighbors()
        if neighbour.GetAtomicNum() not in (1, 6)
    }
    moved: Counter[MovedProton] = Counter()
    for hydrogen, donor in bearers.items():
        distance = np.linalg.norm(x[:, heavy] - x[:, [hydrogen]], axis=-1)
        nearest = heavy[(distance / (radii[heavy] + radii[hydrogen])).argmin(1)] if len(x) else []
        moved.update(MovedProton(hydrogen, donor, int(atom)) for atom in nearest if atom != donor)
    return moved
