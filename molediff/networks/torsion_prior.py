"""A prior of torsions: how a rotatable bond of this molecule is usually turned, before any coordinate is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from molediff.networks.graph import GraphBatch
from molediff.networks.kind import Kind
from molediff.networks.trunk import GraphTrunk

NUM_BINS = 36
"""Of the size of a torsion, from 0 to 180 degrees."""
BIN_WIDTH = 180.0 / NUM_BINS
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
        source: of each, int64, shape (T,).
    """

    graph: GraphBatch
    molecule: Tensor
    atoms: Tensor
    source: Tensor

    def to(self, device: torch.device | str, non_blocking: bool = False) -> TorsionBatch:
        """The same torsions on `device`."""
        return replace(
            self,
            graph=self.graph.to(device, non_blocking),
            molecule=self.molecule.to(device, non_blocking=non_blocking),
            atoms=self.atoms.to(device, non_blocking=non_blocking),
            source=self.source.to(device, non_blocking=non_blocking),
        )


class TorsionPrior(nn.Module):
    """Distribution of the size |phi| of the torsion about each rotatable bond, from the graph alone.

    phi and -phi count as equally probable: the graph network does not see hands. It also does not see the order of a
    torsion: i-j-k-l and l-k-j-i have the same.

    Args:
        node_cardinalities, pair_cardinalities: see `GraphTrunk`.
        channels: width of the atoms.
        pair_channels: width of the pairs.
        num_trunk_blocks: blocks of the trunk.
        num_heads: its attention heads.
        hidden: width of the layer behind it.
    """

    kind: Kind = "torsions"

    def __init__(
        self,
        node_cardinalities: tuple[int, ...],
        pair_cardinalities: tuple[int, ...],
        channels: int = 128,
        pair_channels: int = 64,
        num_trunk_blocks: int = 3,
        num_heads: int = 8,
        hidden: int = 256,
    ):
        super().__init__()
        self.node_cardinalities = tuple(node_cardinalities)
        self.trunk = GraphTrunk(
            tuple(node_cardinalities),
            tuple(pair_cardinalities),
            channels,
            pair_channels,
            num_trunk_blocks,
            num_heads,
        )
        self.sources = nn.Embedding(NUM_SOURCES, hidden)
        self.of_torsion = nn.Linear(4 * channels + 6 * pair_channels, hidden)
        self.to_bins = nn.Sequential(
            nn.SiLU(), nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, NUM_BINS)
        )

    def forward(self, batch: TorsionBatch) -> Tensor:
        """Logits of the bins of |phi|, shape (T, NUM_BINS)."""
        graph = batch.graph
        mask = None if bool(graph.mask.all()) else graph.mask
        nodes, pairs = self.trunk(graph.node_codes, graph.pair_codes, mask)
        pairs = pairs + pairs.transpose(1, 2)
        forward, backward = batch.atoms, batch.atoms.flip(-1)
        both = sum(self._torsions(nodes, pairs, batch.molecule, atoms) for atoms in (forward, backward))
        return self.to_bins(both + self.sources(batch.source))

    def _torsions(self, nodes: Tensor, pairs: Tensor, molecule: Tensor, atoms: Tensor) -> Tensor:
        places = [(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)]
        ends = [nodes[molecule, atoms[:, place]] for place in range(4)]
        between = [pairs[molecule, atoms[:, first], atoms[:, second]] for first, second in places]
        return self.of_torsion(torch.cat([*ends, *between], dim=-1))
