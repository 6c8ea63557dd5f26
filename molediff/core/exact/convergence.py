"""How solvers converge: cheap noise for thousands of samples, moments without sampling error, and orders."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from molediff.core.exact.mixture import gaussian
from molediff.core.generators import Generators
from molediff.core.geometry.space import FullSpace
from molediff.core.paths import Path
from molediff.core.solvers.base import Solver


class OneStream(FullSpace):
    """All of R^n with one generator for the whole batch: fast where thousands of samples are drawn."""

    def __init__(self, seed: int = 0) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def sample(
        self,
        shape: Sequence[int],
        generators: Generators | None = None,
        mask: Tensor | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """Noise from the one generator."""
        return torch.randn(tuple(shape), generator=self.generator, dtype=dtype)


class Responses(FullSpace):
    """A noise space that turns a solver's randomness into exact moments, for linear denoisers in one dimension.

    Row 0 of the batch answers to x_1 = 1, row j to the j-th draw of noise being 1. The sum of the squared answers is
    the exact variance of the solver's output, without any sampling error.
    """

    def __init__(self) -> None:
        self.num_draws = 0

    def sample(
        self,
        shape: Sequence[int],
        generators: Generators | None = None,
        mask: Tensor | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """Noise of the next draw: one in its own row."""
        self.num_draws += 1
        noise = torch.zeros(tuple(shape), dtype=dtype)
        noise[self.num_draws] = 1
        return noise


def exact_variance(
    solver: Solver, path: Path, times: Tensor, variance: float, draws_per_step: int = 4
) -> float:
    """Variance of the output of `solver`, on normal data of mean 0 and this variance, started from the right
    noise."""
    data = gaussian(path, [0.0], [[variance]])
    num_rows = 1 + draws_per_step * (len(times) - 1)
    x_1 = torch.zeros(num_rows, 1, dtype=torch.float64)
    x_1[0] = data.moments(float(times[0]))[1][0, 0] ** 0.5
    x = solver.sample(data.denoiser, path, times, x_1, space=Responses())
    return float(x.square().sum())


def slope(steps: Sequence[float], errors: Sequence[float]) -> float:
    """Order of convergence: minus the slope of log(error) against log(steps) by least squares."""
    x, y = torch.tensor(steps, dtype=torch.float64).log(), torch.tensor(errors, dtype=torch.float64).log()
    return -float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())
