"""Messages that know left from right."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChiralMessage(nn.Module):
    """Triple products of learned neighbour vectors around each stereocentre, signed by its chirality tag.

    For a centre c with neighbours a, b, d and tag s: u_k = L(V_k - V_c) + (x_k - x_c) g, in a few channels. The scalar
    s u_a . (u_b x u_d) goes to the centre and its neighbours; its gradients s (u_b x u_d), ... go as vectors to the
    neighbours and, summed and negated, to the centre. Under a reflection the triple product and s both change sign,
    so that the message is exactly equivariant when the tags are flipped with the coordinates.
    """

    def __init__(self, channels: int, vector_channels: int, num_products: int = 12):
        super().__init__()
        self.project = nn.Linear(vector_channels, num_products, bias=False)
        self.direction = nn.Parameter(torch.randn(num_products))
        self.gate = nn.Linear(channels, 3 * num_products)
        self.to_scalar = nn.Linear(2 * num_products, channels, bias=False)
        self.to_vector = nn.Linear(num_products, vector_channels, bias=False)

    def forward(
        self, h: Tensor, vectors: Tensor, positions: Tensor, index: Tensor, sign: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Scalars (n, N, channels) and vectors (n, N, 3, vector_channels) to add.

        Args:
            h: scalars, shape (n, N, channels).
            vectors: shape (n, N, 3, vector_channels).
            positions: shape (n, N, 3).
            index: rows (centre, a, b, d) into the n * N flattened atoms, shape (T, 4).
            sign: +1 or -1, shape (T,).
        """
        num_atoms = h.shape[0] * h.shape[1]
        projected = self.project(vectors).flatten(0, 1)  # (nN, 3, p)
        projected = projected + positions.flatten(0, 1).unsqueeze(-1) * self.direction
        legs = (projected[index[:, 1:]] - projected[index[:, :1]]).to(
            positions.dtype
        )  # (T, 3 neighbours, 3, p)
        legs = legs / (
            1.0 + (legs * legs).sum(2, keepdim=True).add(1e-6).sqrt()
        )  # bounded, so that a far neighbour cannot dominate
        sign = sign[:, None, None].to(legs.dtype)
        # (b x d, d x a, a x b): the gradients of the triple product with respect to a, b and d.
        gradients = sign.unsqueeze(1) * torch.linalg.cross(
            legs.roll(-1, dims=1), legs.roll(-2, dims=1), dim=2
        )
        volume = (legs[:, 0] * gradients[:, 0]).sum(1)  # (T, p), sign included
        gate_centre, gate_neighbour, gate_vector = (
            self.gate(h.flatten(0, 1)[index[:, 0]]).to(positions.dtype).chunk(3, dim=-1)
        )

        spread = gradients * gate_vector[:, None, None, :]
        vector_rows = torch.cat([-spread.sum(1, keepdim=True), spread], dim=1)  # (T, 4, 3, p)
        to_centre = torch.cat([volume * gate_centre, torch.zeros_like(volume)], dim=-1)
        to_neighbour = torch.cat([torch.zeros_like(volume), volume * gate_neighbour], dim=-1)
        scalar_rows = torch.stack([to_centre, to_neighbour, to_neighbour, to_neighbour], dim=1)  # (T, 4, 2p)

        flat = index.flatten()
        scalars = scalar_rows.new_zeros(num_atoms, scalar_rows.shape[-1]).index_add(
            0, flat, scalar_rows.flatten(0, 1)
        )
        out = vector_rows.new_zeros(num_atoms, 3, vector_rows.shape[-1]).index_add(
            0, flat, vector_rows.flatten(0, 1)
        )
        return (
            self.to_scalar(scalars).view(*h.shape[:2], -1),
            self.to_vector(out).view(*h.shape[:2], 3, -1),
        )
