"""The padded batch of molecular graphs that every graph network takes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import torch
from torch import Tensor

# Number of values of each column of `GraphBatch.node_codes`, 0 (padding) included.
NODE_CARDINALITIES = (
    6,  # element: H, C, N, O, F -> 1..5
    6,  # formal charge: -2..+2 -> 1..5
    7,  # number of bonded atoms, hydrogens included: 0..5 -> 1..6
    6,  # number of bonded hydrogens: 0..4 -> 1..5
    6,  # hybridization: s, sp, sp2, sp3, other -> 1..5
    3,  # aromatic: no, yes -> 1, 2
    7,  # smallest ring through the atom: none, 3, 4, 5, 6, 7 or more -> 1..6
)

# Largest topological distance told apart, in bonds; farther and disconnected pairs share its code.
MAX_DISTANCE = 11

# Number of values of each column of `GraphBatch.pair_codes`, 0 (padding or "none") included.
PAIR_CARDINALITIES = (
    5,  # bond: none, single, double, triple, aromatic -> 0..4
    MAX_DISTANCE + 2,  # bonds between the atoms: 0 (itself), 1 (bonded), ... -> 1..MAX_DISTANCE + 1
    6,  # smallest ring that holds both atoms: none, 3, 4, 5, 6, 7 or more -> 0..5
    3,  # the ends of a stereo double bond's substituents: neither, cis, trans -> 0..2
    2,  # the bond is conjugated -> 1
)

_HYDROGEN, _TWO_BONDS = 1, 3  # codes of the element and of the distance


@dataclass
class GraphBatch:
    """B molecular graphs padded to N atoms, with coordinates where they are known.

    Attributes:
        node_codes: categories of each atom, int64, shape (B, N, len(NODE_CARDINALITIES)); 0 is padding.
        pair_codes: categories of each pair of atoms, int64, shape (B, N, N, len(PAIR_CARDINALITIES)),
            symmetric in the two atoms; 0 is padding.
        mask: True for atoms, False for padding, bool, shape (B, N).
        chiral_index: centre and three of its neighbours (c, a, b, d) for each triple of neighbours of a
            stereocentre, as positions in the flattened (B * N) atoms, int64, shape (T, 4).
        chiral_sign: sign of (x_a - x_c) . ((x_b - x_c) x (x_d - x_c)) in the right molecule, +1.0 or -1.0,
            shape (T,).
        positions: coordinates in Angstrom, float32, shape (B, N, 3), padding 0; None where unknown.
        noise: unit noise from which samples with these coordinates were drawn, float32, shape (B, N, 3); None where
            unknown.
        starts: structures from which to find these coordinates, S of each, float32, shape (B, S, N, 3); None where
            there are none.
        is_padded: whether the mask is false anywhere; None: look. It is known before a batch goes to a GPU, which would
            have to be waited for.
    """

    node_codes: Tensor
    pair_codes: Tensor
    mask: Tensor
    chiral_index: Tensor
    chiral_sign: Tensor
    positions: Tensor | None = None
    noise: Tensor | None = None
    starts: Tensor | None = None
    is_padded: bool | None = field(default=None, repr=False, compare=False)

    @property
    def num_graphs(self) -> int:
        """Number of graphs B."""
        return self.mask.shape[0]

    @property
    def bonded(self) -> Tensor:
        """Whether a bond joins two atoms, bool, shape (B, N, N)."""
        return self.pair_codes[..., 0] > 0

    def __len__(self) -> int:
        return self.num_graphs

    def _tensors(self) -> dict[str, Tensor | None]:
        return {part.name: getattr(self, part.name) for part in fields(self) if part.name != "is_padded"}

    @property
    def padded(self) -> bool:
        """Whether any atom is padding."""
        if self.is_padded is None:
            self.is_padded = not bool(self.mask.all())
        return self.is_padded

    def to(self, device: torch.device | str, non_blocking: bool = False) -> GraphBatch:
        """The same batch on `device`."""
        moved = {
            name: None if tensor is None else tensor.to(device, non_blocking=non_blocking)
            for name, tensor in self._tensors().items()
        }
        return GraphBatch(**moved, is_padded=self.padded)  # type: ignore[arg-type]

    def pin_memory(self) -> GraphBatch:
        """The same batch in page-locked memory (called by torch's data loaders)."""
        pinned = {name: None if t is None else t.pin_memory() for name, t in self._tensors().items()}
        return GraphBatch(**pinned, is_padded=self.padded)  # type: ignore[arg-type]

    def repeat(self, k: int) -> GraphBatch:
        """Each graph `k` times, copies next to each other: graph b becomes graphs b * k .. b * k + k - 1."""
        num_atoms = self.mask.shape[1]
        graph = self.chiral_index // num_atoms if num_atoms else self.chiral_index
        copies = torch.arange(k, device=self.chiral_index.device)
        index = self.chiral_index + graph * (k - 1) * num_atoms
        index = (index[:, None, :] + copies[None, :, None] * num_atoms).reshape(-1, 4)
        return GraphBatch(
            node_codes=self.node_codes.repeat_interleave(k, dim=0),
            pair_codes=self.pair_codes.repeat_interleave(k, dim=0),
            mask=self.mask.repeat_interleave(k, dim=0),
            chiral_index=index,
            chiral_sign=self.chiral_sign.repeat_interleave(k),
            positions=None if self.positions is None else self.positions.repeat_interleave(k, dim=0),
            noise=None if self.noise is None else self.noise.repeat_interleave(k, dim=0),
            starts=None if self.starts is None else self.starts.repeat_interleave(k, dim=0),
            is_padded=self.is_padded,
        )

    def equivalent_points(self, copies: int = 1) -> list[Tensor]:
        """Hydrogens of one atom, which nothing in the graph tells apart.

        Args:
            copies: samples of each graph, next to each other.

        Returns:
            Tensors (G, k), for k = 2, 3 and 4 where there are such: rows of places in B * copies * N flattened atoms.
        """
        num_atoms = self.mask.shape[1]
        hydrogen = self.node_codes[..., 0] == _HYDROGEN
        pairs = (self.pair_codes[..., 1] == _TWO_BONDS) & hydrogen.unsqueeze(1) & hydrogen.unsqueeze(2)
        pairs = pairs | torch.diag_embed(hydrogen)
        first = (pairs.long().argmax(-1) == torch.arange(num_atoms, device=pairs.device)) & hydrogen
        groups = []
        for size in (2, 3, 4):
            graph, atom = (first & (pairs.sum(-1) == size)).nonzero(as_tuple=True)
            members = pairs[graph, atom].nonzero()[:, 1].view(-1, size)
            sample = graph[:, None] * copies + torch.arange(copies, device=graph.device)
            places = members.unsqueeze(1) + (sample * num_atoms).unsqueeze(-1)
            if len(members):
                groups.append(places.flatten(0, 1))
        return groups
