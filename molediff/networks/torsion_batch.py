"""Torsions of molecules in a list, and the bins that they are told in."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from molediff.networks.graph import GraphBatch

NUM_BINS = 72
"""Of a torsion, from -180 to 180 degrees."""
BIN_WIDTH = 360.0 / NUM_BINS
CRYSTAL, MINIMUM = 0, 1
"""Where a torsion was measured, in a crystal or in a minimum in vacuum: the same bond is turned otherwise in both."""
NUM_SOURCES = 2


@dataclass
class TorsionBatch:
    """Torsions of B molecules, in a list.

    Attributes:
        graph: the molecules, heavy atoms alone.
        molecule: of each torsion, int64, shape (T,).
        atoms: i, j, k, l of each, as positions in its molecule, int64, shape (T, 4).
        seconds: a second neighbour of j and of k besides i, l and each other, int64, shape (T, 2); -1 for none.
        source: of each, int64, shape (T,).
        conformer: of each, counted from 0 through all molecules, ascending, int64, shape (T,): those of one conformer
            are coupled.
    """

    graph: GraphBatch
    molecule: Tensor
    atoms: Tensor
    seconds: Tensor
    source: Tensor
    conformer: Tensor

    def to(self, device: torch.device | str, non_blocking: bool = False) -> TorsionBatch:
        """The same torsions on `device`."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=non_blocking) for f in fields(self)}
        return TorsionBatch(**moved)

    def pair_distances(self, first: Tensor, second: Tensor) -> Tensor:
        """Bonds from the ends j, k of torsions `first` (P,) to those of `second` (P,), int64, shape (P, 2, 2)."""
        here, there = self.atoms[first, 1:3], self.atoms[second, 1:3]
        molecule = self.molecule[first, None, None]
        codes = self.graph.pair_codes[molecule, here[:, :, None], there[:, None, :], 1]
        return codes - 1
