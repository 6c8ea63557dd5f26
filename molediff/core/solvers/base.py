r"""What all solvers share: the loop over a time grid, the exact step, per-sample noise and per-sample failure.

Reverse dynamics (Song et al. 2021, eq. 6 and 13, joined by eta):

    dx = [f x - (1 + eta^2) / 2 g^2 score] dt + eta g dW-bar

eta = 0 is the probability-flow ODE, eta = 1 Anderson's reverse SDE; the marginals are the same for every eta.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from molediff.core.model import Denoiser
from molediff.core.noise import FullSpace, NoiseSpace
from molediff.core.path import Path


class Step(NamedTuple):
    """What a callback sees of a step: samples `x_t` (n, ...) at time `t`, the estimate `x0_hat` (n, ...) made there, and the network
    evaluations so far. A sample that has failed is NaN.
    """

    x_t: Tensor
    x0_hat: Tensor
    t: float
    num_evaluations: int


Callback = Callable[[Step], None]


@dataclass(frozen=True)
class Point:
    """A path at one time, in double precision, so that no step loses digits to the grid."""

    t: float
    alpha: float
    sigma: float
    lambda_: float
    drift: float
    diffusion_squared: float


def points(path: Path, times: Tensor) -> list[Point]:
    """Evaluate `path` at `times` (m,)."""
    t = times.detach().to("cpu", torch.float64)
    rows = (t, path.alpha(t), path.sigma(t), path.lambda_(t), path.drift(t), path.diffusion_squared(t))
    return [Point(*row) for row in torch.stack(rows, dim=1).tolist()]


def check_times(path: Path, times: Tensor) -> None:
    """Raise a ValueError unless `times` is a grid that descends within the path's interval, or to t = 0 at its end."""
    if times.dim() != 1 or len(times) < 2:
        raise ValueError(f"times must hold steps + 1 >= 2 values; got shape {tuple(times.shape)}. Ask for at least one step.")
    t = times.detach().to("cpu", torch.float64)
    if not bool((t[1:] < t[:-1]).all()):
        raise ValueError(f"times must descend strictly, from noise (t = 1) to data (t = 0); got {t.tolist()}. Flip or repair the grid.")
    tolerance = 1e-6  # float32 grids may miss the ends by a rounding
    inside = t if t[-1] != 0 else t[:-1]
    if inside[0] > path.t_max + tolerance or inside[-1] < path.t_min * (1 - 1e-4) - 1e-12:
        raise ValueError(
            f"times run from {t[0]:.3g} to {t[-1]:.3g}, outside of [{path.t_min:.3g}, {path.t_max:.3g}], where {path} is numerically "
            "sound. Use a grid of molediff.core.solvers.grids (only the last time may be 0 exactly)."
        )


def eps_hat(x: Tensor, x0_hat: Tensor, s: Point) -> Tensor:
    """Noise that goes with the denoised `x0_hat` at point `s`."""
    return (x - s.alpha * x0_hat) / s.sigma


def exact_step(x: Tensor, x0_hat: Tensor, s: Point, t: Point, eta: float = 0.0) -> tuple[Tensor, float]:
    r"""Go from `s` to `t` by the dynamics with `x0_hat` held constant; its linear part is solved exactly.

        x_t = sigma_t/sigma_s e^(-eta^2 h) x_s - alpha_t expm1(-(1 + eta^2) h) x0_hat + sigma_t sqrt(1 - e^(-2 eta^2 h)) z

    with h = lambda_t - lambda_s (Lu et al. 2022b, eq. 9 for eta = 0; Gonzalez et al. 2023; for eta = 1 it is the posterior of DDPM).

    Returns:
        The mean of x_t, and the standard deviation of its noise.
    """
    h = t.lambda_ - s.lambda_
    damping = eta**2 * h if eta else 0.0  # not 0 * inf
    mean = (t.sigma / s.sigma * math.exp(-damping)) * x - (t.alpha * math.expm1(-(1 + eta**2) * h)) * x0_hat
    return mean, t.sigma * math.sqrt(-math.expm1(-2 * damping))


class Run:
    """One call of a solver: counts evaluations, draws noise, and keeps samples whose network output is not finite from harming others."""

    def __init__(
        self,
        denoiser: Denoiser,
        path: Path,
        like: Tensor,
        generators: Sequence[torch.Generator] | None,
        space: NoiseSpace,
        mask: Tensor | None,
    ):
        self.denoiser, self.path, self.generators, self.space, self.mask = denoiser, path, generators, space, mask
        self.like = like
        self.num_evaluations = 0
        self.alive = torch.ones(len(like), dtype=torch.bool, device=like.device)

    def denoise(self, x: Tensor, s: Point) -> Tensor:
        """Estimate x_0, projected onto the space. A sample whose estimate is not finite is marked, and 0 from then on."""
        self.num_evaluations += 1
        t = torch.full((len(x),), s.t, dtype=x.dtype, device=x.device)
        x0_hat = self.space.project(self.denoiser(x, t).to(x.dtype), self.mask)
        self.alive = self.alive & x0_hat.flatten(1).isfinite().all(1)
        return self._where_alive(x0_hat, 0.0)

    def noise(self) -> Tensor:
        """Draw a unit normal of the space, each sample from its own generator."""
        return self.space.sample(self.like.shape, self.generators, self.mask, self.like.device, self.like.dtype)

    def noised(self, mean: Tensor, std: float) -> Tensor:
        """Add noise of standard deviation `std` to `mean`."""
        return mean + std * self.noise() if std > 0 else mean

    def shown(self, x: Tensor) -> Tensor:
        """Return `x` (n, ...) with failed samples as NaN."""
        return self._where_alive(x, math.nan)

    def _where_alive(self, x: Tensor, otherwise: float) -> Tensor:
        return torch.where(self.alive.reshape(-1, *(1,) * (x.dim() - 1)), x, otherwise)


class Solver(ABC):
    """Takes noise to samples along a grid of times.

    Attributes:
        order: global order of convergence, of single paths for ODE solvers, of moments (weak order) for stochastic ones.
        stochastic: whether noise is added on the way.
    """

    order: ClassVar[int]
    stochastic: bool

    @torch.no_grad()
    def sample(
        self,
        denoiser: Denoiser,
        path: Path,
        times: Tensor,
        x_1: Tensor,
        generators: Sequence[torch.Generator] | None = None,
        space: NoiseSpace = FullSpace(),  # noqa: B008 (frozen and empty)
        mask: Tensor | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """Draw samples.

        Args:
            denoiser: function (x_t, t) -> estimate of x_0; x_t (n, ...), t (n,).
            path: path that the denoiser was made for.
            times: descending grid of steps + 1 values, see `grids`. Ending at t = 0 makes the last step return x0_hat.
            x_1: state at times[0], shape (n, ...): sigma(times[0]) times unit noise of the space; sigma is 1 for VP paths.
            generators: one a sample, for stochastic solvers: sample i depends on generators[i] alone, whatever its batch mates.
                None: torch's global generator.
            space: space of noise and samples.
            mask: (n, N), true for real rows of x_1 (n, N, d); padding comes back as zeros.
            callback: called at each step with a `Step`.

        Returns:
            State at times[-1], shape (n, ...). A sample for which the denoiser gave anything not finite is all NaN, with a warning;
            the others do not notice.

        Raises:
            ValueError: the grid is empty, does not descend or leaves the path's interval.
        """
        check_times(path, times)
        run = Run(denoiser, path, x_1, generators, space, mask)
        grid = points(path, times)
        x = space.project(x_1, mask)
        history: list[tuple[Point, Tensor]] = []
        for s, t in pairwise(grid):
            x_s = x
            x, x0_hat = self.step(run, x_s, s, t, history)
            if callback is not None:
                callback(Step(run.shown(x_s), run.shown(x0_hat), s.t, run.num_evaluations))
        run.alive = run.alive & x.flatten(1).isfinite().all(1)
        if not bool(run.alive.all()):
            failed = (~run.alive).nonzero().flatten().tolist()
            warnings.warn(f"The denoiser gave values that are not finite for samples {failed}; they are returned as NaN.", stacklevel=3)
        return run.shown(x)

    @abstractmethod
    def step(
        self, run: Run, x: Tensor, s: Point, t: Point, history: list[tuple[Point, Tensor]]
    ) -> tuple[Tensor, Tensor]:
        """Advance `x` (n, ...) from point `s` to point `t`, at a lower time.

        Args:
            history: estimates of x_0 at earlier points, for multistep solvers to read and extend; empty at first.

        Returns:
            The state at `t`, and the estimate of x_0 made at `s`.
        """
