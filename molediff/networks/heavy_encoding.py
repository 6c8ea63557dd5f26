"""What a network of heavy atoms and hydrogens knows of molecules before it sees coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from molediff.networks.head import Encoding
from molediff.networks.hydrogens import Split
from molediff.networks.turns import Turns


@dataclass
class HeavyEncoding:
    """What the network knows of n = B copies samples of B graphs before it sees coordinates.

    Attributes:
        heavy: of the heavy atoms; its mask has n rows, its chiral triples are none.
        hydrogens: features of the carried hydrogens, shape (B, M, C_h).
        edges: features of their edges, shape (B, M, K, P).
        split: which atoms are where, B rows.
        turns: bonds about which the network turns, B rows; None where it turns none.
        mask: True for real atoms, in the order of the graph, shape (n, N).
        chiral_index: rows (centre, a, b, c) into the n * W flattened places, shape (T, 4).
        chiral_sign: +1 or -1, shape (T,).
    """

    heavy: Encoding
    hydrogens: Tensor
    edges: Tensor
    split: Split
    turns: Turns | None
    mask: Tensor
    chiral_index: Tensor
    chiral_sign: Tensor

    @property
    def copies(self) -> int:
        """Samples of a graph, next to each other."""
        return self.heavy.copies

    @property
    def pairs(self) -> Tensor | None:
        """Features of the pairs of heavy atoms, shape (B, H, H, P)."""
        return self.heavy.pairs

    def holding(self, held: Tensor) -> HeavyEncoding:
        """The same without turns of atoms held against each other; (n, N), alike for all samples of a graph."""
        if self.turns is None:
            return self
        places = held[:: self.copies].gather(1, self.split.order) & self.split.mask
        return replace(self, turns=self.turns.holding(places))

    def without_turns(self) -> HeavyEncoding:
        """The same, of which no bonds are turned."""
        return replace(self, turns=None)

    def repeat(self, k: int) -> HeavyEncoding:
        """Each graph `k` times, copies next to each other: graph b becomes samples b k to b k + k - 1."""
        if k == 1:
            return self
        num_places = self.split.mask.shape[1]
        sample, place = self.chiral_index // num_places, self.chiral_index % num_places
        copies = torch.arange(k, device=sample.device)[None, :, None]
        index = ((sample.unsqueeze(1) * k + copies) * num_places + place.unsqueeze(1)).flatten(0, 1)
        return replace(
            self,
            heavy=self.heavy.repeat(k),
            mask=self.mask.repeat_interleave(k, dim=0),
            chiral_index=index,
            chiral_sign=self.chiral_sign.repeat_interleave(k),
        )
