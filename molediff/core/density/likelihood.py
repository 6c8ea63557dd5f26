r"""Log-density of samples by the probability-flow ODE (Song et al. 2021, section 4.3; Grathwohl et al. 2019).

Along dx / d lambda = v(x, lambda), d log p / d lambda = -div v. A sample is carried up to noise, where its
density is known; or noise is carried down to a sample, and its density comes with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from molediff.core.density.divergence import ExactTrace, Hutchinson, Trace, denoised_with_trace
from molediff.core.density.quadrature import GaussLegendre, RungeKutta4
from molediff.core.generators import Generators
from molediff.core.geometry.space import FullSpace, NoiseSpace
from molediff.core.model import Denoiser
from molediff.core.paths import Path, expand_like
from molediff.core.solvers.adaptive import integrate_each
from molediff.core.solvers.dopri5 import Dopri5
from molediff.core.solvers.noise_level import flow_coefficients

__all__ = [
    "ExactTrace",
    "GaussLegendre",
    "Hutchinson",
    "LogDensity",
    "RungeKutta4",
    "Trace",
    "log_prob",
    "sample_with_log_prob",
]


class LogDensity(NamedTuple):
    """Log-densities in nats, (n,), with their standard errors, (n,): zero for the exact trace."""

    log_prob: Tensor
    standard_error: Tensor


Solver = RungeKutta4 | Dopri5 | GaussLegendre


def log_prob(
    denoiser: Denoiser,
    path: Path,
    x_0: Tensor,
    generators: Generators | None = None,
    space: NoiseSpace = FullSpace(),  # noqa: B008 (frozen and empty)
    mask: Tensor | None = None,
    trace: Trace = ExactTrace(),  # noqa: B008 (frozen)
    solver: Solver = RungeKutta4(),  # noqa: B008 (frozen)
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
        solver: RungeKutta4, Dopri5, or the cheaper GaussLegendre.

    Raises:
        ValueError: the solver is not an ODE integrator for densities.
    """
    flow = _Flow(denoiser, path, space, mask, solver)
    x_0 = space.project(x_0.detach(), mask)
    ends = [
        flow.solve(x_0, trace.directions(x_0, space, mask, generators), upwards=True)
        for _ in range(trace.num_solves)
    ]
    return _mean([flow.prior(x_1) + gain for x_1, gain in ends])


def sample_with_log_prob(
    denoiser: Denoiser,
    path: Path,
    noise: Tensor,
    space: NoiseSpace = FullSpace(),  # noqa: B008 (frozen and empty)
    mask: Tensor | None = None,
    solver: Solver = RungeKutta4(),  # noqa: B008 (frozen)
) -> tuple[Tensor, Tensor]:
    """Carry noise down to samples, and their log-density with them, by the exact trace.

    The density is what `log_prob` finds at these samples, but for the error of the solver: importance weights need
    one pass, not two.

    Args:
        denoiser, path, space, mask, solver: as for `log_prob`.
        noise: unit noise of the space, shape (n, ...).

    Returns:
        Samples at the noise level t_min, shape (n, ...), in model units, and their log-densities, (n,).

    Raises:
        ValueError: the solver is not an ODE integrator for densities.
    """
    flow = _Flow(denoiser, path, space, mask, solver)
    start = flow.spread * space.project(noise.detach(), mask)
    x_0, gain = flow.solve(start, ExactTrace().directions(start, space, mask, None), upwards=False)
    return x_0, flow.prior(start) + gain


class _Flow:
    """The probability-flow ODE between both ends of the path, with the change of the density along it."""

    def __init__(
        self,
        denoiser: Denoiser,
        path: Path,
        space: NoiseSpace,
        mask: Tensor | None,
        solver: Solver,
    ):
        if not isinstance(solver, Solver):
            raise ValueError(
                f"{solver} cannot carry a density; for a likelihood use RungeKutta4(), Dopri5() or GaussLegendre()."
            )
        self.denoiser, self.path, self.space, self.mask, self.solver = denoiser, path, space, mask, solver
        ends = torch.tensor([path.t_max, path.t_min], dtype=torch.float64)
        self.low, self.high = path.lambda_(ends).tolist()
        spread = path.spread(ends)
        self.spread = float(spread[0])  # of data of unit variance, and noise
        self.growth = float(torch.log(spread[0] / spread[1]))

    def prior(self, x_1: Tensor) -> Tensor:
        """Log-density (n,) at the noisy end, as if data were of unit variance: of them alpha(t_max) is left."""
        return self.space.log_prob(x_1 / self.spread, self.mask) - self._sizes(x_1) * math.log(self.spread)

    def solve(self, start: Tensor, directions: Tensor, upwards: bool) -> tuple[Tensor, Tensor]:
        """The other end of the flow from `start` (n, ...), and the gain of log-density from noise to data, (n,).

        Data of unit variance grow by a known factor; only what the divergence differs from theirs is integrated.
        """
        first, last = (self.high, self.low) if upwards else (self.low, self.high)
        solver = self.solver
        if isinstance(solver, GaussLegendre):
            end, integral = start, start.new_zeros(len(start))
            for lambda_, end, weight in solver.visit(self._velocity, start, first, last):
                if weight:
                    integral = integral + weight * self._with_divergence(lambda_, end, directions)[1]
        else:
            end, integral = self._side_by_side(solver, start, directions, first, last)
        return end, (integral if upwards else -integral) + self._sizes(start) * self.growth

    def _sizes(self, x: Tensor) -> Tensor:
        return self.space.num_dimensions(x.shape, self.mask).to(x)

    def _coefficients(self, lambda_: float | Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Time t and the ODE's coefficients of x and of x_0_hat, each (n,); a rounding must not leave the path."""
        wide = torch.as_tensor(lambda_, dtype=torch.float64, device=x.device).expand(len(x))
        t, of_x, of_x_0 = flow_coefficients(self.path, wide.clamp(self.low, self.high))
        return t.to(x.dtype), of_x.to(x.dtype), of_x_0.to(x.dtype)

    def _velocity(self, lambda_: float | Tensor, x: Tensor) -> Tensor:
        t, of_x, of_x_0 = self._coefficients(lambda_, x)
        with torch.no_grad():
            x_0_hat = self.space.project(self.denoiser(x, t), self.mask)
        return expand_like(of_x, x) * x + expand_like(of_x_0, x) * x_0_hat

    def _with_divergence(
        self, lambda_: float | Tensor, x: Tensor, directions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The velocity, and its divergence less that for data of unit variance."""
        t, of_x, of_x_0 = self._coefficients(lambda_, x)
        x_0_hat, trace = denoised_with_trace(self.denoiser, x, t, directions, self.space, self.mask)
        of_unit_variance = self._sizes(x) * of_x_0 / (of_x_0.square() + self.path.sigma(t).square())
        velocity = expand_like(of_x, x) * x + expand_like(of_x_0, x) * x_0_hat
        return velocity, of_x_0 * (trace - of_unit_variance)

    def _side_by_side(
        self, solver: RungeKutta4 | Dopri5, start: Tensor, directions: Tensor, first: float, last: float
    ) -> tuple[Tensor, Tensor]:
        """The state and the integral as columns of one system, so that Dopri5 controls the error of both."""
        n = len(start)

        def velocity(lambda_: float | Tensor, columns: Tensor) -> Tensor:
            x = columns[:, :-1].reshape(start.shape)
            velocity_x, divergence = self._with_divergence(lambda_, x, directions)
            return torch.cat([velocity_x.reshape(n, -1), divergence.unsqueeze(1)], dim=1)

        columns = torch.cat([start.reshape(n, -1), start.new_zeros(n, 1)], dim=1)
        if isinstance(solver, RungeKutta4):
            end = solver.integrate(velocity, columns, first, last)
        else:
            end = integrate_each(velocity, columns, first, last, solver.rtol, solver.atol)
        return end[:, :-1].reshape(start.shape), end[:, -1]


def _mean(estimates: Sequence[Tensor]) -> LogDensity:
    """Mean of independent estimates (n,), with its standard error; a single one is exact."""
    stacked = torch.stack(list(estimates))
    if len(estimates) == 1:
        return LogDensity(stacked[0], torch.zeros_like(stacked[0]))
    return LogDensity(stacked.mean(0), stacked.std(0) / math.sqrt(len(estimates)))
