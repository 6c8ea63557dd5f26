"""Energies of structures, read off what a network knows of them when it has moved its atoms to where they belong."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from molediff.networks.head import Encoding, HeadState, add_of_graphs, lengths, of_samples, pair_distances
from molediff.networks.hydrogens import HydrogenState, Split
from molediff.networks.layers import GaussianBasis
from molediff.networks.products import Linear

_SCALE = 0.2  # of sums over neighbours, which number some five times the square root of their variance


class EnergyHead(nn.Module):
    """A sum over heavy atoms, their pairs, hydrogens and their edges, in kcal/mol.

    Invariant under rotations and translations, and under reflections where what it reads is, which of graphs with
    signed centres it is not; extensive. Only differences between structures of one molecule mean something. It begins
    near zero.

    Args:
        channels: width of the scalars of heavy atoms.
        vector_channels: number of vectors that a heavy atom carries.
        pair_channels: width of the features of pairs and of hydrogens' edges.
        hydrogen_channels: width of the scalars of hydrogens.
        num_basis: radial basis functions.
    """

    def __init__(
        self,
        channels: int,
        vector_channels: int,
        pair_channels: int,
        hydrogen_channels: int,
        num_basis: int,
    ):
        super().__init__()
        self.norm, self.hydrogen_norm = nn.LayerNorm(channels), nn.LayerNorm(hydrogen_channels)
        self.ends = Linear(channels, 2 * pair_channels)
        self.radial = Linear(num_basis, pair_channels, bias=False)
        self.mix = Linear(pair_channels, pair_channels, bias=False)
        self.of_pair = Linear(pair_channels, 1, bias=False)
        self.to_atom = Linear(pair_channels, channels, bias=False)
        self.vector_mix = Linear(vector_channels, 2 * vector_channels, bias=False)
        self.of_atom = nn.Sequential(
            Linear(channels + 2 * vector_channels, channels), nn.SiLU(), Linear(channels, 1, bias=False)
        )
        self.of_hydrogen = nn.Sequential(
            Linear(hydrogen_channels, hydrogen_channels), nn.SiLU(), Linear(hydrogen_channels, 1, bias=False)
        )
        self.edge_mix = Linear(pair_channels, pair_channels)
        self.edge_radial = Linear(num_basis, pair_channels, bias=False)
        self.of_edge = Linear(pair_channels, 1, bias=False)
        for last in (self.of_pair, self.of_atom[-1], self.of_hydrogen[-1], self.of_edge):
            assert isinstance(last, nn.Linear)
            nn.init.normal_(last.weight, std=0.1 * last.in_features**-0.5)

    def forward(
        self,
        state: HeadState,
        code: Encoding,
        hydrogens: HydrogenState,
        split: Split,
        places: Tensor,
        basis: GaussianBasis,
    ) -> Tensor:
        """Energies (n,).

        Args:
            state: of the heavy atoms after the last block, pairs included.
            code: of the heavy atoms.
            hydrogens: their state after the last block.
            split: which atoms are where, B rows.
            places: where the atoms have come to be, heavy ones first, shape (n, W, 3); without gradient, or an error of
                the energies moves atoms to where it is less.
            basis: of the distances.
        """
        assert state.pairs is not None
        num_samples, num_heavy = len(places), state.scalars.shape[1]
        real = of_samples(split.heavy_mask, num_samples).to(places.dtype)
        scalars = self.norm(state.scalars)
        start, end = self.ends(scalars).chunk(2, dim=-1)
        hidden = basis.projected(pair_distances(places[:, :num_heavy]), self.radial)
        hidden = hidden + self.mix(state.pairs)
        if code.shares_pairs:
            add_of_graphs(hidden, self.mix(code.pairs))
        hidden = nn.functional.silu(hidden + start.unsqueeze(2) + end.unsqueeze(1))
        hidden = hidden * (real.unsqueeze(1) * real.unsqueeze(2)).unsqueeze(-1)

        mixed, partner = self.vector_mix(state.vectors).chunk(2, dim=-1)
        norms = (mixed * mixed).sum(2).add(1e-4).sqrt()
        scalars = scalars + self.to_atom(hidden.sum(2) * _SCALE)
        atoms = self.of_atom(torch.cat([scalars, norms, (mixed * partner).sum(2)], dim=-1)).squeeze(-1)

        carried = of_samples(split.carried_mask, num_samples).to(places.dtype)
        of_hydrogens = self.of_hydrogen(self.hydrogen_norm(hydrogens.scalars)).squeeze(-1)
        lines = places[:, num_heavy:].unsqueeze(2) - places.flatten(0, 1)[hydrogens.neighbours]
        edges = self.edge_mix(hydrogens.edges) + basis.projected(lengths(lines), self.edge_radial)
        edges = nn.functional.silu(edges) * hydrogens.real
        parts = (
            self.of_pair(hidden.sum((1, 2))).squeeze(-1),
            (atoms * real).sum(1),
            (of_hydrogens * carried).sum(1),
            self.of_edge(edges.sum((1, 2))).squeeze(-1),
        )
        return torch.stack([part.float() for part in parts]).sum(0)
