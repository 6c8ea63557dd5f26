r"""Log-density of samples by the probability-flow ODE (Song et al. 2021, section 4.3; Grathwohl et al. 2019).

Along dx / d lambda = v(x, lambda), d log p / d lambda = -div v. A sample is carried up to noise, where its
density is known.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from molediff.core.model import Denoiser
from molediff.core.noise import FullSpace, NoiseSpace
from molediff.core.path import Path
from molediff.core.solvers.dopri5 import Dopri5, integrate
from molediff.core.solvers.point import Point, point_at_lambda


class LogDensity(NamedTuple):
    """Log-densities in nats, (n,), with their standard errors, (n,): zero for the exact trace."""

    log_prob: Tensor
    standard_error: Tensor


@dataclass(frozen=True)
class RungeKutta4:
    """The classical fourth-order method with equal steps in lambda: no step depends on batch mates."""

    num_steps: int = 100

    def __post_init__(self) -> None:
        if self.num_steps < 1:
            raise ValueError(f"RungeKutta4 needs at least one step; got {self.num_steps}.")

    def integrate(
        self, velocity: Callable[[float, Tensor], Tensor], start: Tensor, first: float, last: float
    ) -> Tensor:
        """Integrate dy/ds = velocity(s, y) from s = `first` to `last`."""
        h, y = (last - first) / self.num_steps, start
        for i in range(self.num_steps):
            s = first + i * h
            k_1 = velocity(s, y)
            k_2 = velocity(s + 0.5 * h, y + 0.5 * h * k_1)
            k_3 = velocity(s + 0.5 * h, y + 0.5 * h * k_2)
            k_4 = velocity(s + h, y + h * k_3)
            y = y + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
        return y


class Trace(ABC):
    """How tr(d x0_hat / d x), over the space of the samples, is had."""

    num_solves: int

    @abstractmethod
    def probes(
        self,
        x: Tensor,
        space: NoiseSpace,
        mask: Tensor | None,
        generators: Sequence[torch.Generator] | None,
    ) -> list[Tensor]:
        """Vectors z like `x`; the sum over them of z . J z estimates the trace in one solve of the ODE."""


@dataclass(frozen=True)
class ExactTrace(Trace):
    """One product with the Jacobian for every entry of a sample: for small systems."""

    num_solves: int = 1

    def probes(
        self,
        x: Tensor,
        space: NoiseSpace,
        mask: Tensor | None,
        generators: Sequence[torch.Generator] | None,
    ) -> list[Tensor]:
        unit_vectors = torch.eye(x[0].numel(), dtype=x.dtype, device=x.device)
        return [space.project(unit.reshape(1, *x.shape[1:]).expand_as(x), mask) for unit in unit_vectors]


@dataclass(frozen=True)
class Hutchinson(Trace):
    """tr J = E z . J z, with one random probe z for a whole solve (Hutchinson 1990).

    Args:
        num_solves: independent solves; their mean is returned, and their spread gives the standard error.
        distribution: of the probe's entries before projection: "rademacher" (+1 or -1, smaller variance) or
            "gaussian".
    """

    num_solves: int = 8
    distribution: str = "rademacher"

    def __post_init__(self) -> None:
        if self.num_solves < 2:
            raise ValueError(f"num_solves must be at least 2 for a standard error; got {self.num_solves}.")
        if self.distribution not in ("rademacher", "gaussian"):
            raise ValueError(f'distribution must be "rademacher" or "gaussian"; got "{self.distribution}".')

    def probes(
        self,
        x: Tensor,
        space: NoiseSpace,
        mask: Tensor | None,
        generators: Sequence[torch.Generator] | None,
    ) -> list[Tensor]:
        normal = FullSpace().sample(x.shape, generators, mask, x.device, x.dtype)
        # sign, and not a draw of signs: each sample takes as many numbers from its generator for either distribution
        return [space.project(normal.sign() if self.distribution == "rademacher" else normal, mask)]


def log_prob(
    denoiser: Denoiser,
    path: Path,
    x_0: Tensor,
    generators: Sequence[torch.Generator] | None = None,
    space: NoiseSpace = FullSpace(),  # noqa: B008 (frozen and empty)
    mask: Tensor | None = None,
    trace: Trace = ExactTrace(),
    solver: RungeKutta4 | Dopri5 = RungeKutta4(),
) -> LogDensity:
    """Log-density of samples under the model, at the path's noise level t_min.

    Args:
        denoiser: function (x_t, t) -> estimate of x_0, differentiable in x_t.
        path: path that the denoiser was made for.
        x_0: samples at t_min, shape (n, ...), in model units: subtract (number of dimensions) x log(scale)
            for the density in the data's unit.
        generators: one a sample, for random probes.
        space: the space of the samples. In the zero-centre-of-mass subspace the density is per volume of
            that subspace, of (N - 1) d dimensions.
        mask: (n, N), true for real rows of x_0 (n, N, d).
        trace: `ExactTrace` or `Hutchinson`.
        solver: RungeKutta4 or Dopri5.

    Raises:
        ValueError: the solver is not an ODE integrator for densities.
    """
    if not isinstance(solver, (RungeKutta4, Dopri5)):
        raise ValueError(f"{solver} cannot carry a density; for a likelihood use RungeKutta4() or Dopri5().")
    x_0 = space.project(x_0.detach(), mask)
    estimates = torch.stack(
        [
            _solve(denoiser, path, x_0, trace.probes(x_0, space, mask, generators), space, mask, solver)
            for _ in range(trace.num_solves)
        ]
    )
    error = torch.zeros_like(estimates[0])
    if trace.num_solves > 1:
        error = estimates.std(0) / math.sqrt(trace.num_solves)
    return LogDensity(estimates.mean(0), error)


def _solve(
    denoiser: Denoiser,
    path: Path,
    x_0: Tensor,
    probes: list[Tensor],
    space: NoiseSpace,
    mask: Tensor | None,
    solver: RungeKutta4 | Dopri5,
) -> Tensor:
    """Log-density (n,) from one solve of the ODE for x and the integral of its divergence, side by side in rows."""
    n, num_dimensions = len(x_0), space.num_dimensions(x_0.shape, mask).to(x_0)
    low, high = path.lambda_(torch.tensor([path.t_max, path.t_min], dtype=torch.float64)).tolist()

    def velocity(lambda_: float | Tensor, state: Tensor) -> Tensor:
        s = point_at_lambda(path, min(max(float(lambda_), low), high))
        x = state[:, :-1].reshape(x_0.shape)
        x0_hat, trace = _denoised_with_trace(denoiser, x, s, probes, space, mask)
        linear = s.drift_in_lambda - 1
        velocity_x = linear * x + s.alpha * x0_hat
        divergence = linear * num_dimensions + s.alpha * trace
        return torch.cat([velocity_x.reshape(n, -1), divergence.unsqueeze(1)], dim=1)

    start = torch.cat([x_0.reshape(n, -1), x_0.new_zeros(n, 1)], dim=1)
    if isinstance(solver, RungeKutta4):
        end = solver.integrate(velocity, start, high, low)
    else:
        span = torch.tensor([high, low], dtype=torch.float64, device=x_0.device)
        end = integrate(velocity, start, span, solver.rtol, solver.atol)
    last = point_at_lambda(path, low)
    spread = math.hypot(last.alpha, last.sigma)  # data of unit variance and noise
    prior = space.log_prob(end[:, :-1].reshape(x_0.shape) / spread, mask) - num_dimensions * math.log(spread)
    return prior + end[:, -1]


def _denoised_with_trace(
    denoiser: Denoiser, x: Tensor, s: Point, probes: list[Tensor], space: NoiseSpace, mask: Tensor | None
) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        t = torch.full((len(x),), s.t, dtype=x.dtype, device=x.device)
        x0_hat = space.project(denoiser(x, t), mask)
        trace = x.new_zeros(len(x))
        for i, z in enumerate(probes):
            (product,) = torch.autograd.grad(x0_hat, x, z, retain_graph=i + 1 < len(probes))
            trace = trace + (product * z).flatten(1).sum(1)
    return x0_hat.detach(), trace


def dequantize(
    levels: Tensor, num_levels: int = 256, generators: Sequence[torch.Generator] | None = None
) -> Tensor:
    """Spread integer grey levels evenly over their bins (Theis et al. 2016, section 3.1).

    Args:
        levels: integers in 0 ... num_levels - 1, shape (n, ...).
        num_levels: number of grey levels.
        generators: one a sample; None: torch's global generator.

    Returns:
        Values in [-1, 1), float32, shape (n, ...): (level + u) of num_levels bins of width 2 / num_levels.
    """
    if generators is None:
        uniform = torch.rand(levels.shape, device=levels.device)
    else:
        draws = [torch.rand(levels.shape[1:], generator=g, device=g.device) for g in generators]
        uniform = torch.stack(draws).to(levels.device)
    return 2 * (levels + uniform) / num_levels - 1


def bits_per_dimension(log_prob: Tensor, num_dimensions: int | Tensor, bin_width: float) -> Tensor:
    """Bound of the code length of discrete data, in bits a dimension, from the density of dequantized data.

    Args:
        log_prob: log-densities in nats, shape (n,).
        num_dimensions: of a sample.
        bin_width: width of a grey level in the unit of the density: 2 / 256 / scale for `dequantize` and model units.

    Source: Theis et al. 2016, eq. 6.
    """
    return -(log_prob / num_dimensions + math.log(bin_width)) / math.log(2)
