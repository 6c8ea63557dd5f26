"""Strain of an estimate: what its bonds, angles and planes are off, each in the frame of what is near to it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LocalStrain:
    r"""Energy per point of springs between near points, of an estimate y of N points x,

        E = 1/(2N) sum_ij [ s_ij rho(|y_ij| - d_ij) + b_ij rho(|y_ij - R_i x_ij|) ],

        s_ij = stretching / (1 + (d_ij / stretching_reach)^12),   b_ij = bending / (1 + (d_ij / bending_reach)^8),

    with x_ij = x_j - x_i, d_ij = |x_ij|, rho(r) = 2 unit^2 (sqrt(1 + (r / unit)^2) - 1), which is r^2 where r is small,
    and R_i the rotation that takes the surroundings of point i in x as near to those in y as it can ("as rigid as
    possible": Sorkine and Alexa 2007). A turn of one part about another costs where they meet alone, however long the
    lever. Distances by themselves do not feel how a plane begins to bend; directions in the frame of a point do.

    The constants are such that it is about the energy in kcal/mol by which a molecule is strained, per atom: over
    240 conformers of 30 drug-like molecules before and after refinement it goes with that in AIMNet2 with a correlation
    of 0.93 (docs/drugs_training.md). A bond of 1.5 Angstrom has 370 kcal/mol/Angstrom^2, a distance across an angle 1
    to 65.

    Attributes:
        stretching, bending: stiffness of distances and of directions, in kcal/mol/Angstrom^2.
        stretching_reach, bending_reach: where it is half of that, in Angstrom.
        unit: error beyond which they count in proportion, in Angstrom.
        length_scale: length of one unit of x, in Angstrom.

    Raises:
        ValueError: a length is not positive, or a stiffness is negative.
    """

    stretching: float = 1200.0
    stretching_reach: float = 1.4
    bending: float = 20.0
    bending_reach: float = 1.6
    unit: float = 0.05
    length_scale: float = 1.0

    def __post_init__(self) -> None:
        lengths = self.stretching_reach, self.bending_reach, self.unit, self.length_scale
        if not (min(lengths) > 0 and self.stretching >= 0 and self.bending >= 0):
            raise ValueError(
                "Strain has positive reaches, unit and length scale, and no negative stiffness; got "
                f"{lengths}, {self.stretching} and {self.bending}."
            )

    def __call__(self, y: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Error (n,) of the estimate `y` (n, N, 3) of the points `x` (n, N, 3); mask (n, N): true for real ones."""
        found, wanted = (self.length_scale * (p.unsqueeze(1) - p.unsqueeze(2)) for p in (y, x))
        squares = wanted.square().sum(-1)
        near = ~torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        if mask is not None:
            near = near & mask.unsqueeze(1) & mask.unsqueeze(2)
        stretching = self.stretching / (1 + (squares / self.stretching_reach**2) ** 6) * near
        bending = self.bending / (1 + (squares / self.bending_reach**2) ** 4) * near
        stretch = (_length(found) - _length(wanted)).square()
        bend = (found - wanted @ _rotations(found, wanted, bending).mT).square().sum(-1)
        energy = (stretching * self._bounded(stretch) + bending * self._bounded(bend)).sum((1, 2)) / 2
        return energy / (x.shape[1] if mask is None else mask.sum(1).clamp(min=1))

    def _bounded(self, square: Tensor) -> Tensor:
        return 2 * self.unit**2 * ((1 + square / self.unit**2).sqrt() - 1)


@torch.no_grad()
def _rotations(found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Rotation (n, N, 3, 3) of the surroundings of each point: that of least sum_j weight |found - R wanted|^2."""
    u, _, vt = torch.linalg.svd((found * weight.unsqueeze(-1)).mT.double() @ wanted.double())
    sign = torch.ones_like(u[..., 0])
    sign[..., -1] = torch.linalg.det(u @ vt).sign()
    return ((u * sign.unsqueeze(-2)) @ vt).to(found)


def _length(x: Tensor) -> Tensor:
    # Of a point to itself as well: differentiable there.
    return x.square().sum(-1).add(1e-8).sqrt()
