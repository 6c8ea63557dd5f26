"""Structures beside known minima: what a guess of distance geometry is like, in microseconds instead of an embedding.

Guesses have bond lengths, angles and planes that are a little off, and torsions that are off by more. The first is
little beside the noise that a refiner sees in any case; the second are turns of the minimum's own rotatable bonds. Most
of them then go some way down MMFF94s, as the guesses do that a refinement begins with: how a force field errs in
torsions, rings and angles is what there is to learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from rdkit import Chem, rdBase

from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.packing import PackedConformers
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.errors import ForceFieldError
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.molecules.rotors import BETWEEN_HEAVY, Rotors
from molediff.networks.graph import GraphBatch

# How far torsions turn, in degrees, when guesses of ETKDGv3 are minimized: between heavy atoms the quartiles are 3, 10
# and 30 in 150 drug-like molecules, with a long tail; those of hydrogens' groups are as good as random.
_SPREADS, _SHARES = (8.0, 20.0, 40.0), (0.5, 0.35, 0.15)
_POLAR_SPREAD, _METHYL_RANGE = 35.0, 60.0

# Of those that go down MMFF94s: more is turned, since that takes most of it back, and atoms are moved too.
_RELAXED_SHARE = 0.85
_MOST_TURNED, _MOST_MOVED = 1.0, 0.1  # share of the turns, and Angstrom
_MOST_SHAKEN = 0.1  # Angstrom, of those that do not
_LEAST_EVALUATIONS, _MOST_EVALUATIONS = 8, 14
_SAME_WELL = 60.0  # degrees


def turns_of_guesses(rotors: Rotors, random: np.random.Generator) -> np.ndarray:
    """Angles in degrees to turn each rotatable bond of a minimum by, shape (R,), so that it looks like a guess."""
    num = len(rotors)
    free = random.normal(size=num) * random.choice(_SPREADS, size=num, p=_SHARES)
    polar = random.normal(size=num) * _POLAR_SPREAD
    methyl = random.uniform(-_METHYL_RANGE, _METHYL_RANGE, size=num)
    return np.choose(rotors.kind, [free, polar, methyl])


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
        self._relaxed: dict[int, list[np.ndarray | None]] = {}

    def rotors(self, index: int) -> Rotors:
        """Rotatable bonds of the molecule of minimum `index`, found at first need."""
        molecule = int(self._molecule[index])
        if molecule not in self._rotors:
            self._rotors[molecule] = Rotors.of(self._mol(index))
        return self._rotors[molecule]

    def _mol(self, index: int) -> Chem.Mol:
        with rdBase.BlockLogs():
            return Chem.AddHs(Chem.MolFromSmiles(self.smiles(index)))

    def batch(self, indices: Sequence[int] | np.ndarray) -> GraphBatch:
        """The minima `indices` as one batch with `num_starts` structures beside each, turned onto it."""
        batch = super().batch(indices)
        assert batch.positions is not None
        random = np.random.default_rng([self.seed, *map(int, indices)])
        starts = np.zeros((len(indices), self.num_starts, *batch.positions.shape[1:]), dtype=np.float32)
        for row, index in enumerate(map(int, indices)):
            x = self.positions(index).astype(np.float64)
            for copy in range(self.num_starts):
                start = self._relaxed_starts(index, x)[copy] if random.random() < _RELAXED_SHARE else None
                if start is None:
                    # From nearly there to all the way: what is left to do after a first estimate looks so too.
                    angles = turns_of_guesses(self.rotors(index), random) * random.uniform(0.1, 1.0)
                    start = self.rotors(index).turn(x, angles)
                    start = turned_onto(
                        start + random.uniform(0, _MOST_SHAKEN) * random.normal(size=x.shape), x
                    )
                starts[row, copy, : len(x)] = start
        return replace(batch, starts=torch.from_numpy(starts))

    def _relaxed_starts(self, index: int, x: np.ndarray) -> list[np.ndarray | None]:
        """Structures (N, 3) beside minimum `index`, made at first need and kept, since that takes time; None where
        MMFF94s does not describe the molecule, or it led elsewhere.
        """
        if index not in self._relaxed:
            self._relaxed[index] = self._made(index, x)
        return self._relaxed[index]

    def _made(self, index: int, x: np.ndarray) -> list[np.ndarray | None]:
        random = np.random.default_rng([self.seed, index])
        rotors = self.rotors(index)
        starts = [
            rotors.turn(x, turns_of_guesses(rotors, random) * random.uniform(0, _MOST_TURNED))
            + random.uniform(0, _MOST_MOVED) * random.normal(size=x.shape)
            for _ in range(self.num_starts)
        ]
        try:
            with rdBase.BlockLogs():
                field = MMFF(self._mol(index), charges=bool(random.integers(2)), amended=True)
        except ForceFieldError:
            return [None] * self.num_starts
        num_evaluations = int(random.integers(_LEAST_EVALUATIONS, _MOST_EVALUATIONS + 1))
        between = rotors.subset(rotors.kind == BETWEEN_HEAVY)
        found: list[np.ndarray | None] = []
        for start in field.lowered(np.stack(starts), num_evaluations)[0]:
            away = np.abs((between.angles(start) - between.angles(x) + 180) % 360 - 180)
            same_well = np.isfinite(start).all() and (away < _SAME_WELL).all()
            found.append(turned_onto(start, x).astype(np.float32) if same_well else None)
        return found


def turned_onto(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Points x (N, 3), turned and moved as near to y (N, 3) as a rigid body goes (Kabsch 1976)."""
    centred, target = x - x.mean(0), y - y.mean(0)
    u, _, vt = np.linalg.svd(target.T @ centred)
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return np.asarray(centred @ rotation.T + y.mean(0))
