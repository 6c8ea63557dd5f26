"""Errors of near distances: what is left of the error of a point set when rigid parts may turn about each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LocalDistances:
    r"""Mean over N points i of sum_j k_ij rho((|y_i - y_j| - d_ij) / unit), with d_ij = |x_i - x_j|,

        k_ij = exp(-d_ij^2 / reach^2),   rho(r) = sqrt(1 + r^2) - 1,

    for an estimate y of x. Other than the mean square it does not grow with the lever of a turn, and a mean over turns
    that cannot be told does not shrink bonds. It does not see reflections.

    Attributes:
        reach: where distances count less by e, in the unit of `length_scale`.
        unit: error beyond which they count in proportion, in the same unit.
        length_scale: length of one unit of x.

    Raises:
        ValueError: one of them is not positive.
    """

    reach: float = 2.5
    unit: float = 0.05
    length_scale: float = 1.0

    def __post_init__(self) -> None:
        if not (self.reach > 0 and self.unit > 0 and self.length_scale > 0):
            raise ValueError(
                "Local distances have a positive reach, unit and length scale; got "
                f"{self.reach}, {self.unit} and {self.length_scale}."
            )

    def __call__(self, y: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Error (n,) of the estimate `y` (n, N, d) of the points `x` (n, N, d); mask (n, N): true for real ones."""
        found, wanted = (_distances(points) * self.length_scale for points in (y, x))
        error = ((found - wanted) / self.unit).square().add(1.0).sqrt() - 1.0
        weight = torch.exp(-(wanted / self.reach).square())
        if mask is None:
            return (weight * error).sum((1, 2)) / x.shape[1]
        weight = weight.masked_fill(~(mask.unsqueeze(1) & mask.unsqueeze(2)), 0)
        return (weight * error).sum((1, 2)) / mask.sum(1).clamp(min=1)


def _distances(points: Tensor) -> Tensor:
    # Of a point to itself as well: differentiable there.
    return (points.unsqueeze(2) - points.unsqueeze(1)).square().sum(-1).add(1e-8).sqrt()
