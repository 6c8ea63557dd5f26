"""Structures beside known minima: what a guess of distance geometry is like, in microseconds instead of an embedding.

Guesses have bond lengths, angles and planes that are a little off, and torsions that are off by more. The first is
little beside the noise that a refiner sees in any case; the second are turns of the minimum's own rotatable bonds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from rdkit import Chem

from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.packing import PackedConformers
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.networks.graph import GraphBatch

# How far torsions turn, in degrees, when guesses of ETKDGv3 are minimized: between heavy atoms the quartiles are 3, 10
# and 30 in 150 drug-like molecules, with a long tail; those of hydrogens' groups are as good as random.
_SPREADS, _SHARES = (8.0, 20.0, 40.0), (0.5, 0.35, 0.15)
_POLAR_SPREAD, _METHYL_RANGE = 35.0, 60.0
_ROTATABLE = Chem.MolFromSmarts("[!$(*#*)&!D1]-!@[!$(*#*)&!D1]")
_BETWEEN_HEAVY, _POLAR, _METHYL = 0, 1, 2


@dataclass(frozen=True)
class Rotors:
    """Rotatable bonds of a molecule of N atoms.

    Attributes:
        bonds: the two atoms of each, int64, shape (R, 2).
        turned: atoms on the second atom's side, bool, shape (R, N).
        kind: between heavy atoms, of a group with polar hydrogens, or of a methyl group, int64, shape (R,).
    """

    bonds: np.ndarray
    turned: np.ndarray
    kind: np.ndarray

    @classmethod
    def of(cls, mol: Chem.Mol) -> Rotors:
        """Rotatable bonds of a molecule with explicit hydrogens; the smaller side turns."""
        bonds, turned, kinds = [], [], []
        for j, k in mol.GetSubstructMatches(_ROTATABLE):
            side = _side(mol, j, k)
            if 2 * side.sum() > mol.GetNumAtoms():
                j, k, side = k, j, ~side
            bonds.append((j, k))
            turned.append(side)
            kinds.append(max(_kind(mol, j, k), _kind(mol, k, j)))
        num = mol.GetNumAtoms()
        return cls(
            np.array(bonds, dtype=np.int64).reshape(-1, 2),
            np.array(turned, dtype=bool).reshape(-1, num),
            np.array(kinds, dtype=np.int64),
        )

    def angles(self, random: np.random.Generator) -> np.ndarray:
        """Angles in degrees to turn each bond by, shape (R,), as a guess has them."""
        num = len(self.kind)
        free = random.normal(size=num) * random.choice(_SPREADS, size=num, p=_SHARES)
        polar = random.normal(size=num) * _POLAR_SPREAD
        methyl = random.uniform(-_METHYL_RANGE, _METHYL_RANGE, size=num)
        return np.choose(self.kind, [free, polar, methyl])

    def turn(self, x: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """Points x (N, 3) with each bond turned by its angle in degrees."""
        x = x.copy()
        for (j, k), side, angle in zip(self.bonds, self.turned, np.radians(angles), strict=True):
            axis = x[k] - x[j]
            axis = axis / np.linalg.norm(axis)
            legs = x[side] - x[k]
            along = np.outer(legs @ axis, axis)
            x[side] = x[k] + along + np.cos(angle) * (legs - along) + np.sin(angle) * np.cross(axis, legs)
        return x


def _side(mol: Chem.Mol, j: int, k: int) -> np.ndarray:
    """Atoms that hang on atom k once its bond to j is cut, bool, shape (N,)."""
    found, waiting = {k}, [k]
    while waiting:
        for neighbour in mol.GetAtomWithIdx(waiting.pop()).GetNeighbors():
            index = neighbour.GetIdx()
            if index not in found and index != j:
                found.add(index)
                waiting.append(index)
    side = np.zeros(mol.GetNumAtoms(), dtype=bool)
    side[list(found)] = True
    return side


def _kind(mol: Chem.Mol, atom: int, other: int) -> int:
    """What hangs on `atom` besides `other`."""
    numbers = [n.GetAtomicNum() for n in mol.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() != other]
    if any(number > 1 for number in numbers):
        return _BETWEEN_HEAVY
    return _METHYL if len(numbers) == 3 else _POLAR


class TwistedMinima(ConformerDataset):
    """Minima with structures beside them, new ones for every batch.

    Args:
        packed: the arrays.
        conformers: which of the packed conformers; all by default.
        vocabulary: what the packed codes mean.
        num_starts: structures beside each minimum.
        seed: of the turns, which depend on it and on what is in the batch.
    """

    def __init__(
        self,
        packed: PackedConformers,
        conformers: Sequence[int] | np.ndarray | None = None,
        vocabulary: Vocabulary = QM9,
        num_starts: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__(packed, conformers, vocabulary)
        self.num_starts, self.seed = num_starts, seed
        self._rotors: dict[int, Rotors] = {}

    def rotors(self, index: int) -> Rotors:
        """Rotatable bonds of the molecule of minimum `index`, found at first need."""
        molecule = int(self._molecule[index])
        if molecule not in self._rotors:
            self._rotors[molecule] = Rotors.of(Chem.AddHs(Chem.MolFromSmiles(self.smiles(index))))
        return self._rotors[molecule]

    def batch(self, indices: Sequence[int] | np.ndarray) -> GraphBatch:
        """The minima `indices` as one batch with `num_starts` structures beside each, turned onto it."""
        batch = super().batch(indices)
        assert batch.positions is not None
        random = np.random.default_rng([self.seed, *map(int, indices)])
        starts = np.zeros((len(indices), self.num_starts, *batch.positions.shape[1:]), dtype=np.float32)
        for row, index in enumerate(map(int, indices)):
            rotors, x = self.rotors(index), self.positions(index).astype(np.float64)
            for copy in range(self.num_starts):
                # From nearly there to all the way: what is left to do after a first estimate looks so too.
                angles = rotors.angles(random) * random.uniform(0.1, 1.0)
                starts[row, copy, : len(x)] = turned_onto(rotors.turn(x, angles), x)
        return replace(batch, starts=torch.from_numpy(starts))


def turned_onto(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Points x (N, 3), turned and moved as near to y (N, 3) as a rigid body goes (Kabsch 1976)."""
    centred, target = x - x.mean(0), y - y.mean(0)
    u, _, vt = np.linalg.svd(target.T @ centred)
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return np.asarray(centred @ rotation.T + y.mean(0))
