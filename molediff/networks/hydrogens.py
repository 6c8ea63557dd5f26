"""Hydrogens beside the heavy atoms: half of all atoms, which need see but what is near them.

A carried hydrogen has one bond, to an atom that is none. Carried ones know the atoms within three bonds: those that
make its bond length, angles and torsions. All other atoms are "heavy" here, so that H2 and bridging hydrogens are too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from molediff.networks.contacts import ContactMessage, Contacts
from molediff.networks.graph import GraphBatch
from molediff.networks.head import lengths, of_samples
from molediff.networks.layers import CodeEmbedding, GaussianBasis
from molediff.networks.products import Linear

_HYDROGEN = 1  # code of the element
_BONDED, _THREE_BONDS = 2, 4  # codes of the distance


@dataclass
class Split:
    """Where the atoms of B graphs are, once H heavy ones (padded) come first and M carried hydrogens after them.

    Attributes:
        heavy: atoms in the order of the graph, of each heavy place, int64, shape (B, H); 0 on padding.
        heavy_mask: real heavy places, bool, shape (B, H).
        carried: the same of the hydrogens, shape (B, M); at least one place.
        carried_mask: bool, shape (B, M).
        places: place of each atom among the W = H + M, int64, shape (B, N); 0 on padding.
        parent: heavy place of the atom that carries each hydrogen, int64, shape (B, M).
        neighbours: places within three bonds of each hydrogen, int64, shape (B, M, K).
        neighbour_mask: which of these are real, bool, shape (B, M, K).
        far: which places are neither these nor the hydrogen itself, bool, shape (B, M, W).
        pair_codes: codes of pairs of heavy atoms, int64, shape (B, H, H, G).
        edge_codes: codes of hydrogens and their neighbours, int64, shape (B, M, K, G).
    """

    heavy: Tensor
    heavy_mask: Tensor
    carried: Tensor
    carried_mask: Tensor
    places: Tensor
    parent: Tensor
    neighbours: Tensor
    neighbour_mask: Tensor
    far: Tensor
    pair_codes: Tensor
    edge_codes: Tensor

    @property
    def order(self) -> Tensor:
        """Atom at each of the W places, shape (B, W)."""
        return torch.cat([self.heavy, self.carried], dim=1)

    @property
    def mask(self) -> Tensor:
        """Which of the W places are real, shape (B, W)."""
        return torch.cat([self.heavy_mask, self.carried_mask], dim=1)

    @classmethod
    def of(cls, graph: GraphBatch) -> Split:
        """Tell the carried hydrogens of `graph` from the other atoms."""
        mask, bonded = graph.mask, graph.bonded
        hydrogen = (graph.node_codes[..., 0] == _HYDROGEN) & mask
        parent_is_heavy = ~(bonded & hydrogen.unsqueeze(1)).any(-1)
        is_carried = hydrogen & (bonded.sum(-1) == 1) & parent_is_heavy
        is_heavy = mask & ~is_carried
        num_heavy, num_carried = is_heavy.sum(1), is_carried.sum(1)
        width, num_places = int(num_heavy.max()), max(1, int(num_carried.max()))
        rank = torch.where(is_heavy, 0, torch.where(is_carried, 1, 2))
        order = rank.argsort(dim=1, stable=True)
        heavy_places = torch.arange(width, device=mask.device)
        carried_places = torch.arange(num_places, device=mask.device)
        heavy_mask, carried_mask = (
            heavy_places < num_heavy[:, None],
            carried_places < num_carried[:, None],
        )
        heavy = order[:, :width] * heavy_mask
        behind = (num_heavy[:, None] + carried_places).clamp(max=mask.shape[1] - 1)
        carried = order.gather(1, behind) * carried_mask
        places = torch.where(is_heavy, is_heavy.cumsum(1) - 1, width + is_carried.cumsum(1) - 1) * mask

        rows = torch.arange(len(mask), device=mask.device)[:, None, None]
        both = (heavy_mask.unsqueeze(1) & heavy_mask.unsqueeze(2)).unsqueeze(-1)
        pair_codes = graph.pair_codes[rows, heavy.unsqueeze(2), heavy.unsqueeze(1)] * both
        all_places, all_real = (
            torch.cat([heavy, carried], dim=1),
            torch.cat([heavy_mask, carried_mask], dim=1),
        )
        codes = graph.pair_codes[rows, carried.unsqueeze(2), all_places.unsqueeze(1)]
        real = carried_mask.unsqueeze(2) & all_real.unsqueeze(1)
        distance = codes[..., 1]
        near = (distance >= _BONDED) & (distance <= _THREE_BONDS) & real
        most = max(1, int(near.sum(-1).max()))
        neighbours = near.to(torch.uint8).argsort(dim=-1, descending=True, stable=True)[..., :most]
        neighbour_mask = near.gather(-1, neighbours)
        picked = neighbours.unsqueeze(-1).expand(-1, -1, -1, codes.shape[-1])
        return cls(
            heavy=heavy,
            heavy_mask=heavy_mask,
            carried=carried,
            carried_mask=carried_mask,
            places=places,
            parent=((distance == _BONDED) & real).to(torch.uint8).argmax(-1),
            neighbours=neighbours * neighbour_mask,
            neighbour_mask=neighbour_mask,
            far=real & (all_places.unsqueeze(1) != carried.unsqueeze(2)) & ~near,
            pair_codes=pair_codes,
            edge_codes=codes.gather(2, picked) * neighbour_mask.unsqueeze(-1),
        )


class HydrogenEncoder(nn.Module):
    """What the graph says of the hydrogens and of their neighbours, from the trunk's features of the heavy atoms."""

    def __init__(
        self, pair_cardinalities: tuple[int, ...], channels: int, hydrogen_channels: int, pair_channels: int
    ):
        super().__init__()
        self.from_parent = Linear(channels, hydrogen_channels)
        self.edge_embedding = CodeEmbedding(pair_cardinalities, pair_channels)
        self.start = Linear(hydrogen_channels, pair_channels)
        self.heavy_end = Linear(channels, pair_channels)
        self.hydrogen_end = Linear(hydrogen_channels, pair_channels)

    def forward(self, nodes: Tensor, split: Split) -> tuple[Tensor, Tensor]:
        """Features of the heavy atoms (B, H, C) -> those of hydrogens (B, M, C_h) and their edges (B, M, K, P)."""
        parents = nodes.gather(1, split.parent.unsqueeze(-1).expand(-1, -1, nodes.shape[-1]))
        hydrogens = self.from_parent(parents)
        ends = torch.cat([self.heavy_end(nodes), self.hydrogen_end(hydrogens)], dim=1)
        width = ends.shape[1]
        index = split.neighbours + torch.arange(len(nodes), device=nodes.device)[:, None, None] * width
        edges = self.edge_embedding(split.edge_codes) + ends.flatten(0, 1)[index]
        return hydrogens, nn.functional.silu(edges + self.start(hydrogens).unsqueeze(2))


@dataclass
class HydrogenState:
    """What flows through the hydrogen blocks of n samples.

    Attributes:
        scalars: of the hydrogens, shape (n, M, C_h).
        edges: features of the hydrogens' edges, shape (n, M, K, P).
        neighbours: places of the other ends among the n W flattened ones, int64, shape (n, M, K).
        real: 1.0 for real edges, shape (n, M, K, 1).
        parent: heavy atom that carries each hydrogen among the n H flattened ones, int64, shape (n, M).
        heavy_index: heavy atom of each edge among the n (H + 1) flattened rows, the last of each sample's for the edges
            that lead to no heavy atom, int64, shape (n M K,).
        num_heavy: heavy places H.
    """

    scalars: Tensor
    edges: Tensor
    neighbours: Tensor
    real: Tensor
    parent: Tensor
    heavy_index: Tensor
    num_heavy: int

    @classmethod
    def begin(cls, split: Split, hydrogens: Tensor, edges: Tensor, num_samples: int) -> HydrogenState:
        """The state before the first block: what the graphs, B rows, say, for each of n samples."""
        num_heavy = split.heavy.shape[1]
        width = num_heavy + split.carried.shape[1]
        neighbours, real = (of_samples(x, num_samples) for x in (split.neighbours, split.neighbour_mask))
        sample = torch.arange(num_samples, device=neighbours.device)[:, None, None]
        to_heavy = torch.where(real & (neighbours < num_heavy), neighbours, num_heavy)
        return cls(
            scalars=of_samples(hydrogens, num_samples),
            edges=of_samples(edges, num_samples),
            neighbours=neighbours + sample * width,
            real=real.unsqueeze(-1).to(edges.dtype),
            parent=of_samples(split.parent, num_samples) + sample[..., 0] * num_heavy,
            heavy_index=(to_heavy + sample * (num_heavy + 1)).flatten(),
            num_heavy=num_heavy,
        )


class HydrogenBlock(nn.Module):
    """Messages along the hydrogens' edges, and contacts if asked: forces on them, and what heavy atoms are told."""

    def __init__(
        self,
        channels: int,
        vector_channels: int,
        pair_channels: int,
        hydrogen_channels: int,
        num_basis: int,
        first: bool = False,
        num_forces: int = 12,
        has_contacts: bool = False,
    ):
        super().__init__()
        self.num_forces, self.first = num_forces, first
        self.heavy_norm = nn.LayerNorm(channels)
        self.norm = nn.LayerNorm(hydrogen_channels)
        self.start = Linear(hydrogen_channels, pair_channels)
        self.heavy_end = Linear(channels, pair_channels)
        self.hydrogen_end = Linear(hydrogen_channels, pair_channels, bias=False)
        self.radial = Linear(num_basis, pair_channels, bias=False)
        self.mix = Linear(pair_channels, pair_channels, bias=False)
        self.force = Linear(pair_channels, 2 * num_forces)
        self.pool = Linear(pair_channels, hydrogen_channels, bias=False)
        if not first:  # where heavy atoms carry no vectors yet, there are none to look at
            self.of_parent = Linear(vector_channels, 2 * num_forces, bias=False)
            self.turned = Linear(num_forces, hydrogen_channels, bias=False)
        self.update = nn.Sequential(
            nn.LayerNorm(hydrogen_channels),
            Linear(hydrogen_channels, 2 * hydrogen_channels),
            nn.SiLU(),
            Linear(2 * hydrogen_channels, hydrogen_channels + num_forces),
        )
        self.to_displacement = Linear(num_forces, 1, bias=False)
        nn.init.normal_(
            self.to_displacement.weight, std=0.1 * num_forces**-0.5
        )  # begin by moving atoms little
        self.to_scalars = Linear(pair_channels, channels, bias=False)
        self.to_vectors = Linear(num_forces, vector_channels, bias=False)
        if has_contacts:
            self.contacts = ContactMessage(
                channels, vector_channels, hydrogen_channels, num_basis, num_forces
            )

    def forward(
        self,
        scalars: Tensor,
        vectors: Tensor,
        positions: Tensor,
        state: HydrogenState,
        basis: GaussianBasis,
        contacts: Contacts | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Update `state`; return what to add to the heavy atoms, and how far the hydrogens move.

        Args:
            scalars: of the heavy atoms, shape (n, H, C), or (B, H, C) if all samples of a graph have the same.
            vectors: of the heavy atoms, shape (n, H, 3, V).
            positions: of all places, shape (n, W, 3).
            state: of the hydrogens.
            basis: of the distances.
            contacts: of the hydrogens, for blocks that know them.

        Returns:
            Scalars (n, H, C), vectors (n, H, 3, V) and displacements (n, M, 3).
        """
        num_samples, num_heavy = len(positions), state.num_heavy
        z = self.norm(state.scalars)
        heavy = self.heavy_norm(scalars)
        ends = torch.cat([of_samples(self.heavy_end(heavy), num_samples), self.hydrogen_end(z)], dim=1)
        own = positions[:, num_heavy:].unsqueeze(2)
        lines = own - positions.flatten(0, 1)[state.neighbours]  # (n, M, K, 3)
        distances = lengths(lines)
        hidden = ends.flatten(0, 1)[state.neighbours] + self.start(z).unsqueeze(2)
        hidden = hidden + basis.projected(distances, self.radial) + self.mix(state.edges)
        hidden = nn.functional.silu(hidden) * state.real
        state.edges = state.edges + hidden
        with torch.autocast(positions.device.type, enabled=False):
            lines = lines * state.real.to(lines.dtype) / (1.0 + distances).unsqueeze(-1)
            on_hydrogen, on_heavy = self.force(hidden).to(lines.dtype).chunk(2, dim=-1)
            forces = lines.transpose(2, 3) @ on_hydrogen  # (n, M, 3, num_forces)
            reaction = -lines.unsqueeze(-1) * on_heavy.unsqueeze(3)  # (n, M, K, 3, num_forces)

        pooled = state.scalars + self.pool(hidden.sum(2) * 0.2)
        if contacts is not None:
            told, met, *of_heavy = self.contacts(heavy, z, positions, state.parent, contacts, basis)
            pooled, forces = pooled + told, forces + met
        if not self.first:
            push, sight = self.of_parent(vectors.flatten(0, 1)[state.parent]).chunk(2, dim=-1)
            bond = (own.squeeze(2) - positions[:, :num_heavy].flatten(0, 1)[state.parent]).unsqueeze(-1)
            forces = forces + push
            pooled = pooled + self.turned((sight * bond).sum(2))
        update = self.update(pooled)
        delta, gate = update.split([state.scalars.shape[-1], self.num_forces], dim=-1)
        state.scalars = state.scalars + delta
        moved = self.to_displacement(forces * (1 + gate).unsqueeze(2)).squeeze(-1)

        of_edges = torch.cat([hidden, reaction.flatten(3).to(hidden.dtype)], dim=-1).flatten(0, 2)
        summed = self._to_heavy(of_edges, state, num_samples)
        told, reaction = summed.split([hidden.shape[-1], 3 * self.num_forces], dim=-1)
        to_scalars = self.to_scalars(told * 0.2)
        to_vectors = self.to_vectors(reaction.unflatten(-1, (3, self.num_forces)))
        if contacts is not None:
            to_scalars, to_vectors = to_scalars + of_heavy[0], to_vectors + of_heavy[1]
        return to_scalars, to_vectors, moved.to(positions.dtype)

    @staticmethod
    def _to_heavy(of_edges: Tensor, state: HydrogenState, num_samples: int) -> Tensor:
        """Sum rows of edges (n M K, D) over those that lead to each heavy atom: (n, H, D)."""
        rows = num_samples * (state.num_heavy + 1)
        index = state.heavy_index.unsqueeze(-1).expand_as(of_edges)
        summed = of_edges.new_zeros(rows, of_edges.shape[-1]).scatter_add(0, index, of_edges)
        return summed.unflatten(0, (num_samples, -1))[:, : state.num_heavy]
