"""Contacts of hydrogens: what they meet in space, far along the bonds. These, too, turn methyls and bend hydroxyls."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from molediff.networks.head import lengths, of_samples
from molediff.networks.layers import GaussianBasis
from molediff.networks.products import Linear


@dataclass
class Contacts:
    """The E contacts of n samples: each a hydrogen and an atom near it in space, the E_h with heavy atoms first.

    Two hydrogens that meet make two of them, one seen from either.

    Attributes:
        hydrogen: the hydrogens among the n M flattened ones, int64, shape (E,).
        place: the same among the n W flattened places, shape (E,).
        other: what they meet, among the n W places, shape (E,).
        heavy: the heavy atoms that they meet among the n H flattened ones, shape (E_h,).
        closeness: 1 where two atoms would lie on each other, 0 at the reach of contacts and of continuous slope, shape
            (E, 1). It stays that of the positions in which contacts were found, however atoms move thereafter.
    """

    hydrogen: Tensor
    place: Tensor
    other: Tensor
    heavy: Tensor
    closeness: Tensor

    @classmethod
    def within(cls, reach: float, positions: Tensor, far: Tensor) -> Contacts:
        """All contacts shorter than `reach`.

        Args:
            reach: in the unit of the positions.
            positions: of H heavy atoms and M hydrogens after them, shape (n, W, 3).
            far: which places are far enough from a hydrogen along the bonds, bool, shape (B, M, W) for B graphs of
                n / B samples each.
        """
        num_hydrogens, width = far.shape[1:]
        num_heavy = width - num_hydrogens
        lines = positions[:, num_heavy:].unsqueeze(2) - positions.unsqueeze(1)
        squares = (lines * lines).sum(-1)
        near = (squares < reach**2) & of_samples(far, len(positions))
        found = [part.nonzero(as_tuple=True) for part in near.split([num_heavy, num_hydrogens], dim=2)]
        sample, hydrogen, other = (torch.cat(parts) for parts in zip(*found, strict=True))
        num_with_heavy = len(found[0][0])
        other[num_with_heavy:] += num_heavy
        return cls(
            hydrogen=sample * num_hydrogens + hydrogen,
            place=sample * width + num_heavy + hydrogen,
            other=sample * width + other,
            heavy=(sample * num_heavy + other)[:num_with_heavy],
            closeness=(1.0 - (squares[sample, hydrogen, other] / reach**2) ** 3).square().unsqueeze(-1),
        )


class ContactMessage(nn.Module):
    """Messages along contacts: forces on both ends, and what the atoms are told of them. It begins with none.

    Args:
        channels: width of the scalars of heavy atoms.
        vector_channels: number of vectors that a heavy atom carries.
        hydrogen_channels: width of the scalars of hydrogens.
        num_basis: radial basis functions.
        num_forces: kinds of forces.
        width: of the features of a contact.
    """

    def __init__(
        self,
        channels: int,
        vector_channels: int,
        hydrogen_channels: int,
        num_basis: int,
        num_forces: int,
        width: int = 32,
    ):
        super().__init__()
        self.heavy_end = Linear(channels, width)
        self.hydrogen_ends = Linear(hydrogen_channels, 2 * width, bias=False)
        self.radial = Linear(num_basis, width, bias=False)
        self.force = Linear(width, 2 * num_forces, bias=False)
        self.to_hydrogen = Linear(width, hydrogen_channels, bias=False)
        self.to_scalars = Linear(width, channels, bias=False)
        self.to_vectors = Linear(num_forces, vector_channels, bias=False)
        self.to_parent = Linear(num_forces, vector_channels, bias=False)
        for last in (self.force, self.to_hydrogen, self.to_scalars):
            nn.init.zeros_(last.weight)

    def forward(
        self,
        heavy: Tensor,
        hydrogens: Tensor,
        positions: Tensor,
        parent: Tensor,
        contacts: Contacts,
        basis: GaussianBasis,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What to add to scalars and forces of hydrogens, to scalars and vectors of heavy atoms.

        Args:
            heavy: scalars of the heavy atoms, normalized, shape (n, H, C), or (B, H, C) if all samples of a graph have
                the same.
            hydrogens: scalars of the hydrogens, normalized, shape (n, M, C_h).
            positions: of all places, shape (n, W, 3).
            parent: heavy atom that carries each hydrogen among the n H flattened ones, int64, shape (n, M).
            contacts: of the hydrogens.
            basis: of the distances.

        Returns:
            Shapes (n, M, C_h), (n, M, 3, num_forces), (n, H, C) and (n, H, 3, V).
        """
        n, num_hydrogens = hydrogens.shape[:2]
        num_heavy = positions.shape[1] - num_hydrogens
        start, end = self.hydrogen_ends(hydrogens).chunk(2, dim=-1)
        ends = torch.cat([of_samples(self.heavy_end(heavy), n), end], dim=1).flatten(0, 1)
        flat = positions.flatten(0, 1)
        lines = flat[contacts.place] - flat[contacts.other]  # (E, 3)
        distances = lengths(lines)
        hidden = start.flatten(0, 1)[contacts.hydrogen] + ends[contacts.other]
        hidden = nn.functional.silu(hidden + basis.projected(distances, self.radial)) * contacts.closeness
        on_hydrogen, on_heavy = self.force(hidden).to(lines.dtype).chunk(2, dim=-1)
        lines = lines / (1.0 + distances).unsqueeze(-1)

        forces = (lines.unsqueeze(-1) * on_hydrogen.unsqueeze(1)).flatten(1)  # (E, 3 num_forces)
        told, forces = _sums(contacts.hydrogen, n * num_hydrogens, hidden, forces)
        of_parents = _sums(parent.flatten(), n * num_heavy, forces)[0].view(n, num_heavy, 3, -1)
        met = slice(len(contacts.heavy))
        reaction = (lines[met].unsqueeze(-1) * on_heavy[met].unsqueeze(1)).flatten(1)
        told_heavy, reaction = _sums(contacts.heavy, n * num_heavy, hidden[met], reaction)
        return (
            self.to_hydrogen(told).view(n, num_hydrogens, -1),
            forces.view(n, num_hydrogens, 3, -1),
            self.to_scalars(told_heavy).view(n, num_heavy, -1),
            self.to_parent(of_parents) - self.to_vectors(reaction.view(n, num_heavy, 3, -1)),
        )


def _sums(index: Tensor, size: int, *rows: Tensor) -> tuple[Tensor, ...]:
    """Sums of rows, each (E, D), over those that share an index: (size, D)."""
    together = torch.cat(rows, dim=-1)
    sums = together.new_zeros(size, together.shape[-1]).index_add(0, index, together)
    return sums.split([r.shape[-1] for r in rows], dim=-1)
