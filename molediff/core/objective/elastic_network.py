"""Displacements weighed as forces would weigh them: near points are held by stiff springs, far ones by soft ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ElasticNetwork:
    r"""Springs between all points, at rest where the points are, whose stiffness falls off with distance.

       E = strength / N sum_ij k_ij (u_ij . (e_i - e_j))^2,   k_ij = exp(-d_ij^2 / reach^2),   u_ij = (x_i - x_j) / d_ij

    for small displacements e of N points x (Tirion 1996; Hinsen 1998). The mean square of e, which training
    minimizes otherwise, takes a turn of a methyl group for as bad as a bond that is too long, and the energy of a
    molecule does not. Where a molecule is concerned, a reach of 2 Angstrom holds bonds and the distances across an
    angle.

    Attributes:
        reach: where springs are softer by e, in the unit of `length_scale`.
        strength: factor of the energy.
        length_scale: length of one unit of x.

    Raises:
        ValueError: reach or length_scale is not positive, or strength is negative.
    """

    reach: float = 2.0
    strength: float = 0.25
    length_scale: float = 1.0

    def __post_init__(self) -> None:
        if not (self.reach > 0 and self.length_scale > 0 and self.strength >= 0):
            raise ValueError(
                "An elastic network has a positive reach and length scale, and no negative strength; got "
                f"{self.reach}, {self.length_scale} and {self.strength}."
            )

    def energy(self, displacement: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Energy (n,) of `displacement` (n, N, d) of the points `x` (n, N, d); mask (n, N): true for real ones."""
        apart = x.unsqueeze(2) - x.unsqueeze(1)
        squares = apart.square().sum(-1)
        stretch = (apart * (displacement.unsqueeze(2) - displacement.unsqueeze(1))).sum(-1).square()
        stiffness = torch.exp(-squares * (self.length_scale / self.reach) ** 2)
        energies = stiffness * stretch / squares.clamp_min(1e-6)
        if mask is None:
            return self.strength * energies.sum((1, 2)) / x.shape[1]
        energies = energies.masked_fill(~(mask.unsqueeze(1) & mask.unsqueeze(2)), 0)
        return self.strength * energies.sum((1, 2)) / mask.sum(1).clamp(min=1)
