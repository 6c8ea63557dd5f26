"""Schedules: when each path melts the data, and what it gives at an equal number of evaluations.

x_t / alpha is the data plus noise of deviation exp(-lambda), on any path: how far the data are molten depends on lambda
alone. A path only says how much of its time, hence of its training and of its steps, goes to which lambda.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.exact.mixture import islands
from molediff.core.paths import CosineVP, Path
from molediff.core.solvers import Solver, by_title, uniform_lambda, uniform_t
from molediff.evaluation.mathematics.exact_law import ExactLaw, Floor
from molediff.evaluation.mathematics.solver_errors import PATHS, draw

SOLVERS: dict[str, Solver] = by_title("ddim", "dpmpp_2m", "ancestral")
GRIDS = {"uniform in t": uniform_t, "uniform in lambda": uniform_lambda}


@dataclass(frozen=True)
class Transition:
    """What is left of the data at falling lambda, for the five islands.

    Attributes:
        lambda_: half the log-SNR, descending.
        identity: mutual information between x_t and the mode it began in, over the entropy of the modes: 1 frozen, 0
            molten.
        error: mean square error of the exact denoiser over the variance of the data: 0 frozen, 1 molten.
    """

    lambda_: list[float]
    identity: list[float]
    error: list[float]

    def lambda_at(self, identity: float) -> float:
        """Largest lambda at which no more than this fraction of identity is left, interpolated."""
        k = next(k for k, value in enumerate(self.identity) if value <= identity)
        if k == 0:
            return self.lambda_[0]
        high, low = self.identity[k - 1], self.identity[k]
        return self.lambda_[k - 1] + (high - identity) / (high - low) * (
            self.lambda_[k] - self.lambda_[k - 1]
        )


def measure_melting(num_samples: int, seed: int, num_levels: int = 71) -> Transition:
    """Order parameters of the five islands at lambda from 7 to -7, from exact posteriors of `num_samples` samples."""
    path = CosineVP()
    data = islands(path)
    g = torch.Generator().manual_seed(seed)
    x_0 = data.sample(num_samples, None, g)
    eps = torch.randn(x_0.shape, generator=g, dtype=x_0.dtype)
    entropy = -float((data.weights * data.weights.log()).sum())
    variance = float(data.moments(None)[1].diagonal().sum())
    levels = torch.linspace(7, -7, num_levels, dtype=torch.float64)
    identity, error = [], []
    for t in path.t_of_lambda(levels):
        x_t, times = path.noised(x_0, eps, t), t.expand(num_samples)
        belief = data.responsibilities(x_t, times)
        doubt = -float(torch.special.xlogy(belief, belief).sum(1).mean())
        identity.append(1 - doubt / entropy)
        error.append(float((data.denoiser(x_t, times) - x_0).square().sum(1).mean()) / variance)
    return Transition(levels.tolist(), identity, error)


@dataclass(frozen=True)
class Schedule:
    """A path as a clock of the melting.

    Attributes:
        path: name.
        t: times over the path's interval, ascending.
        lambda_: half the log-SNR at `t`.
        t_half: t at which half of the identity is gone.
        transition_fraction: fraction of the path's time in which identity falls from 90 % to 10 %.
    """

    path: str
    t: list[float]
    lambda_: list[float]
    t_half: float
    transition_fraction: float


def describe_schedule(name: str, melting: Transition, num_times: int = 201) -> Schedule:
    """The clock of one of `PATHS`."""
    path = PATHS[name]
    t = torch.linspace(path.t_min, path.t_max, num_times, dtype=torch.float64)
    start, half, end = (_time_at(path, melting.lambda_at(left)) for left in (0.9, 0.5, 0.1))
    fraction = (end - start) / (path.t_max - path.t_min)
    return Schedule(name, t.tolist(), path.lambda_(t).tolist(), half, fraction)


def _time_at(path: Path, lambda_: float) -> float:
    t = float(path.t_of_lambda(torch.tensor(lambda_, dtype=torch.float64)))
    return min(max(t, path.t_min), path.t_max)


@dataclass(frozen=True)
class ScheduleQuality:
    """Sliced Wasserstein-1 distance to the exact law, by number of evaluations, of a solver and a grid on a path."""

    path: str
    solver: str
    grid: str
    num_evaluations: list[int]
    wasserstein: list[float]


def measure_schedules(
    num_evaluations: Sequence[int], num_samples: int, seed: int
) -> tuple[list[ScheduleQuality], Floor]:
    """Samples of the five islands from pure noise, as in practice, on every path; and the figures of exact samples.

    Args:
        num_evaluations: network evaluations a sample, ascending.
        num_samples: samples of each run.
        seed: of the noise.
    """
    results = []
    for name, path in PATHS.items():
        data = islands(path)
        law = ExactLaw(data, path.t_min, num_samples)
        x_1 = _noise(path, num_samples, seed)
        for solver_name, solver in SOLVERS.items():
            for grid_name, grid in GRIDS.items():
                runs = [
                    draw(solver, data.denoiser, path, grid(path, num), x_1, seed + 1)[0]
                    for num in num_evaluations
                ]
                distances = [law.wasserstein(x) for x in runs]
                results.append(
                    ScheduleQuality(name, solver_name, grid_name, list(num_evaluations), distances)
                )
    return results, law.floor(ExactLaw.wasserstein, seed)


def _noise(path: Path, num: int, seed: int) -> Tensor:
    """Pure noise at t_max, (num, 2)."""
    g = torch.Generator().manual_seed(seed)
    sigma = float(path.sigma(torch.tensor(path.t_max, dtype=torch.float64)))
    return sigma * torch.randn(num, 2, generator=g, dtype=torch.float64)
