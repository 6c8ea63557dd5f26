"""A prior of torsions: how a rotatable bond of this molecule is usually turned, before any coordinate is known."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from molediff.networks.kind import Kind
from molediff.networks.torsion_batch import NUM_BINS, NUM_SOURCES, TorsionBatch
from molediff.networks.torsion_couplings import Couplings, TorsionCouplings
from molediff.networks.trunk import GraphTrunk


class TorsionLogits(NamedTuple):
    """Logits of the bins of |phi|, NUM_BINS / 2 of them, 0 to 180 degrees.

    Attributes:
        even: shape (T, NUM_BINS / 2).
        odd: what the hand of the ends j and k adds for phi > 0 and takes for phi < 0, shape (T, 2, NUM_BINS / 2).
        couplings: what torsions near each other add; None of a network without.
    """

    even: Tensor
    odd: Tensor
    couplings: Couplings | None = None

    def of_hands(self, hands: Tensor) -> Tensor:
        """Logits of the bins of phi from -180 to 180 degrees, shape (..., T, NUM_BINS).

        Args:
            hands: of both ends, +1, -1 or 0 (`Rotors.hands`), shape (..., T, 2).
        """
        odd = (hands.unsqueeze(-1) * self.odd).sum(-2)
        return torch.cat([(self.even - odd).flip(-1), self.even + odd], dim=-1)

    def among_others(self) -> TorsionLogits:
        """The same, but for the couplings, where all torsions near each are known; without couplings no other."""
        return self if self.couplings is None else self._replace(even=self.even + self.couplings.field)

    def given_others(self, degrees: Tensor, hands: Tensor) -> Tensor:
        """Logits (T, NUM_BINS) of each torsion where the others are as measured: `degrees` (T,), hands (T, 2)."""
        alone = self.among_others().of_hands(hands)
        return alone if self.couplings is None else alone + self.couplings.given(degrees, hands)


class TorsionPrior(nn.Module):
    """Distribution of the torsion phi about each rotatable bond, from the graph and from how its ends are handed.

    In the mirror image hands and phi change their sign, and the probability is the same. i-j-k-l and l-k-j-i are one
    torsion, and have one distribution.

    Args:
        node_cardinalities, pair_cardinalities: see `GraphTrunk`.
        channels: width of the atoms.
        pair_channels: width of the pairs.
        num_trunk_blocks: blocks of the trunk.
        num_heads: its attention heads.
        hidden: width of the layers behind it.
        num_harmonics: of the couplings between torsions near each other, see `TorsionCouplings`; 0: none.
        dropout: share of features that is dropped in training.
    """

    kind: Kind = "torsions"
    additions = omissions = ("couplings.",)
    """Parts that weights may lack, or have too much, where a training begins with them."""

    def __init__(
        self,
        node_cardinalities: tuple[int, ...],
        pair_cardinalities: tuple[int, ...],
        channels: int = 128,
        pair_channels: int = 64,
        num_trunk_blocks: int = 3,
        num_heads: int = 8,
        hidden: int = 256,
        num_harmonics: int = 0,
        dropout: float = 0.0,
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
            dropout,
        )
        self.sources = nn.Embedding(NUM_SOURCES, hidden)
        self.of_torsion = nn.Linear(4 * channels + 6 * pair_channels, hidden)
        self.of_second = nn.Linear(channels + 3 * pair_channels, hidden)
        self.to_even = _to_bins(hidden)
        self.to_odd = _to_bins(hidden)
        self.dropout = nn.Dropout(dropout)
        self.couplings = (
            TorsionCouplings(hidden, pair_channels, num_harmonics, dropout=dropout) if num_harmonics else None
        )

    def forward(self, batch: TorsionBatch, coupled: bool = True) -> TorsionLogits:
        """Logits of the torsions, with their couplings if there are any and they are not left out."""
        graph = batch.graph
        mask = graph.mask if graph.padded else None
        nodes, pairs = self.trunk(graph.node_codes, graph.pair_codes, mask)
        pairs = pairs + pairs.transpose(1, 2)
        ends = (batch.atoms, batch.atoms.flip(-1))
        both = [self._torsions(nodes, pairs, batch.molecule, atoms) for atoms in ends]
        source = self.sources(batch.source)
        odd = []
        for place, atoms in enumerate(ends):
            second = self._seconds(nodes, pairs, batch.molecule, atoms, batch.seconds[:, place])
            odd.append(self.to_odd(both[place] + second + source))
        couplings = None
        if self.couplings is not None and coupled:
            couplings = self.couplings(torch.stack(both) + source, pairs, batch)
        return TorsionLogits(self.to_even(both[0] + both[1] + source), torch.stack(odd, dim=1), couplings)

    def _torsions(self, nodes: Tensor, pairs: Tensor, molecule: Tensor, atoms: Tensor) -> Tensor:
        places = [(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)]
        ends = [nodes[molecule, atoms[:, place]] for place in range(4)]
        between = [pairs[molecule, atoms[:, first], atoms[:, second]] for first, second in places]
        features: Tensor = self.dropout(self.of_torsion(torch.cat([*ends, *between], dim=-1)))
        return features

    def _seconds(
        self, nodes: Tensor, pairs: Tensor, molecule: Tensor, atoms: Tensor, second: Tensor
    ) -> Tensor:
        real = (second >= 0).unsqueeze(-1)
        second = second.clamp(min=0)
        between = [pairs[molecule, second, atoms[:, place]] for place in (0, 2, 3)]
        features: Tensor = self.dropout(
            self.of_second(torch.cat([nodes[molecule, second], *between], dim=-1))
        )
        return features * real


def _to_bins(hidden: int) -> nn.Module:
    return nn.Sequential(
        nn.SiLU(),
        nn.LayerNorm(hidden),
        nn.Linear(hidden, hidden),
        nn.SiLU(),
        nn.Linear(hidden, NUM_BINS // 2),
    )
