"""Structures that a refinement really begins with, for a refiner that learns from forces: these need no minima."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch

from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.minima import Minima
from molediff.molecules.data.packing import PackedConformers
from molediff.molecules.errors import MoleculeError
from molediff.molecules.generation.clock import Clock
from molediff.molecules.generation.starts import make_starts
from molediff.molecules.graph.inputs import PreparedMolecule, prepare
from molediff.molecules.graph.limits import MAX_ATOMS_ORGANIC
from molediff.molecules.graph.vocabulary import ORGANIC, Vocabulary
from molediff.networks.graph import GraphBatch
from molediff.runtime.progress import tqdm

NUM_EACH = {"minima": 8, "crystal": 4, "etkdg": 1}
"""Structures of a molecule by what they begin with (`generation.starts.INITS`)."""

_SECONDS = 20.0  # that those of one kind of a molecule may take


def draw_starts(smiles: Iterable[str], seed: int = 0, progress: bool = False) -> tuple[Minima, list[str]]:
    """Structures of molecules, in the form of minima without energies, and the SMILES of which there are none.

    Args:
        smiles: of the molecules.
        seed: of the structures.
        progress: show a bar.
    """
    kept, molecule, positions, left_out = list[str](), list[int](), list[np.ndarray](), list[str]()
    for number, text in enumerate(tqdm(smiles, disable=not progress, unit=" molecules")):
        try:
            prepared = prepare(text, MAX_ATOMS_ORGANIC, ORGANIC)
            found = [x for init, num in NUM_EACH.items() for x in _drawn(prepared, init, num, seed + number)]
        except MoleculeError:
            found = []
        if not found:
            left_out.append(text)
            continue
        molecule += [len(kept)] * len(found)
        kept.append(text)
        positions += found
    return Minima.of(kept, molecule, positions, [float("nan")] * len(positions)), left_out


def _drawn(prepared: PreparedMolecule, init: str, num: int, seed: int) -> list[np.ndarray]:
    clock = Clock(_SECONDS)
    clock.start()
    x = make_starts(prepared, init, num, seed, clock).positions(range(num), 0)
    return [one - one.mean(0) for one in x if np.isfinite(one).all()]


class DrawnStarts(ConformerDataset):
    """Molecules with some of their structures beside them, others for every batch; its `positions` are one of them.

    Args:
        packed: several structures of each molecule.
        vocabulary: what the packed codes mean.
        num_starts: structures beside each molecule.
        seed: of the choice, which depends on it and on what is in the batch.
    """

    def __init__(
        self,
        packed: PackedConformers,
        vocabulary: Vocabulary = ORGANIC,
        num_starts: int = 4,
        seed: int = 0,
    ) -> None:
        order = np.argsort(packed.molecule, kind="stable")
        _, first = np.unique(packed.molecule[order], return_index=True)
        super().__init__(packed, order[first], vocabulary)
        self.num_starts, self.seed = num_starts, seed
        self._rows = np.split(order, first[1:])

    def batch(self, indices: Sequence[int] | np.ndarray) -> GraphBatch:
        """The molecules `indices` as one batch with `num_starts` structures beside each."""
        batch = super().batch(indices)
        assert batch.positions is not None
        random = np.random.default_rng([self.seed, *map(int, indices)])
        starts = np.zeros((len(indices), self.num_starts, *batch.positions.shape[1:]), dtype=np.float32)
        for row, index in enumerate(map(int, indices)):
            own = self._rows[index]
            chosen = random.choice(own, self.num_starts, replace=len(own) < self.num_starts)
            for copy, conformer in enumerate(chosen):
                begin, end = self.packed.position_start[conformer : conformer + 2]
                starts[row, copy, : end - begin] = self.packed.positions[begin:end]
        return replace(batch, starts=torch.from_numpy(starts))
