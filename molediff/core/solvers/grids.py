"""Grids of times for solvers: steps + 1 values in float64 that descend from path.t_max to path.t_min.

They stay in float64 until a solver uses them, so that steps near the ends are not rounded away.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.paths import Path


def ramp(steps: int) -> Tensor:
    """Values from 0 to 1 in `steps` equal steps."""
    if steps < 1:
        raise ValueError(f"A grid needs at least one step; got {steps}.")
    return torch.linspace(0, 1, steps + 1, dtype=torch.float64)


def between_ends(path: Path, inner: Tensor) -> Tensor:
    """Put the path's exact ends in place of the rounded ones of `inner`."""
    inner = inner.clone()
    inner[0], inner[-1] = path.t_max, path.t_min
    return inner


def lambda_ends(path: Path) -> tuple[Tensor, Tensor]:
    """lambda at path.t_max and at path.t_min."""
    first, last = path.lambda_(torch.tensor([path.t_max, path.t_min], dtype=torch.float64))
    return first, last


def uniform_t(path: Path, steps: int) -> Tensor:
    """Equal steps in t."""
    return between_ends(path, path.t_max + (path.t_min - path.t_max) * ramp(steps))


def uniform_lambda(path: Path, steps: int) -> Tensor:
    """Equal steps in lambda, half the log-SNR (Lu et al. 2022): suits exponential solvers."""
    first, last = lambda_ends(path)
    return between_ends(path, path.t_of_lambda(first + (last - first) * ramp(steps)))


def central_lambda(path: Path, steps: int, bound: float = 3.0) -> Tensor:
    """Equal steps in lambda from -`bound` to `bound`, for few steps that end with `with_final_denoising`.

    At more noise than lambda = -3 a sample of unit variance holds 5 % of signal, too little to steer by; at less noise
    than lambda = 3 there is 5 % of noise left, which the final denoising takes off in one step. The first state is
    sigma(times[0]) times unit noise.

    Raises:
        ValueError: the path does not reach -`bound` or `bound`.
    """
    first, last = (float(end) for end in lambda_ends(path))
    if not first <= -bound < bound <= last:
        raise ValueError(
            f"{path} has lambda from {first:.2f} to {last:.2f}, which does not hold [-{bound}, {bound}]: "
            "give a smaller bound, or use uniform_lambda."
        )
    return path.t_of_lambda(bound * (2 * ramp(steps) - 1))


@dataclass(frozen=True)
class AtLambdas:
    """The grid of these `lambdas`, half log-SNRs that ascend, for as many times and no other number of steps."""

    lambdas: tuple[float, ...]

    def __call__(self, path: Path, steps: int) -> Tensor:
        """The times, for `steps` one less than there are."""
        if steps != len(self.lambdas) - 1:
            raise ValueError(
                f"This grid has {len(self.lambdas)} times, for {len(self.lambdas) - 1} steps between them; got {steps}."
            )
        return path.t_of_lambda(torch.tensor(self.lambdas, dtype=torch.float64))


def karras(path: Path, steps: int, rho: float = 7.0) -> Tensor:
    """Equal steps in (sigma / alpha)^(1 / rho) (Karras et al. 2022, eq. 5): the larger rho, the finer the
    steps near the data."""
    if not rho > 0:
        raise ValueError(f"rho must be positive (Karras et al. use 7); got {rho}.")
    first, last = (torch.exp(-lambda_ / rho) for lambda_ in lambda_ends(path))
    return between_ends(path, path.t_of_lambda(-rho * torch.log(first + (last - first) * ramp(steps))))


def with_final_denoising(times: Tensor) -> Tensor:
    """Append t = 0: one more step, that returns x_0_hat and so removes the noise left at path.t_min.

    For paths that are free of noise at t = 0; GeometricVE and PolynomialVP are not.
    """
    if times[-1] == 0:
        raise ValueError("The grid ends at t = 0 already; with_final_denoising has nothing to add.")
    return torch.cat([times, times.new_zeros(1)])
