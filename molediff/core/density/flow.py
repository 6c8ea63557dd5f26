r"""The probability-flow ODE as a map between samples and noise, both ways (Song et al. 2021, section 4.3).

The same paths as a likelihood integrates and as a solver with eta = 0 approaches: every sample has its one latent.
"""

from __future__ import annotations

import torch
from torch import Tensor

from molediff.core.density.quadrature import GaussLegendre, RungeKutta4
from molediff.core.geometry.space import FullSpace, NoiseSpace
from molediff.core.model import Denoiser
from molediff.core.paths import Path
from molediff.core.solvers.noise_level import noise_level_at


def to_noise(
    denoiser: Denoiser,
    path: Path,
    x_0: Tensor,
    solver: RungeKutta4 | GaussLegendre = RungeKutta4(),  # noqa: B008 (frozen)
    space: NoiseSpace = FullSpace(),  # noqa: B008 (frozen and empty)
    mask: Tensor | None = None,
) -> Tensor:
    """Carry samples up to noise.

    Args:
        denoiser: function (x_t, t) -> estimate of x_0.
        path: path that the denoiser was made for.
        x_0: samples at the noise level path.t_min, shape (n, ...), in model units.
        solver: its steps are the same for every sample.
        space: space of the samples.
        mask: (n, N), true for real rows of x_0 (n, N, d).

    Returns:
        The state at path.t_max, shape (n, ...): close to unit noise times sigma(t_max).
    """
    return _flow(denoiser, path, x_0, path.t_min, path.t_max, solver, space, mask)


def to_data(
    denoiser: Denoiser,
    path: Path,
    x_1: Tensor,
    solver: RungeKutta4 | GaussLegendre = RungeKutta4(),  # noqa: B008 (frozen)
    space: NoiseSpace = FullSpace(),  # noqa: B008 (frozen and empty)
    mask: Tensor | None = None,
) -> Tensor:
    """The inverse of `to_noise`: carry states at path.t_max down to samples at path.t_min. Arguments alike."""
    return _flow(denoiser, path, x_1, path.t_max, path.t_min, solver, space, mask)


@torch.no_grad()
def _flow(
    denoiser: Denoiser,
    path: Path,
    start: Tensor,
    t_first: float,
    t_last: float,
    solver: RungeKutta4 | GaussLegendre,
    space: NoiseSpace,
    mask: Tensor | None,
) -> Tensor:
    first, last = path.lambda_(torch.tensor([t_first, t_last], dtype=torch.float64)).tolist()
    low, high = min(first, last), max(first, last)

    def velocity(lambda_: float, x: Tensor) -> Tensor:
        s = noise_level_at(path, min(max(lambda_, low), high))  # a rounding must not leave the path
        t = torch.full((len(x),), s.t, dtype=x.dtype, device=x.device)
        return (s.drift_in_lambda - 1) * x + s.alpha * space.project(denoiser(x, t), mask)

    return solver.integrate(velocity, space.project(start, mask), first, last)


def spherical(a: Tensor, b: Tensor, fractions: Tensor) -> Tensor:
    """Points on the great circle from `a` to `b` (Shoemake 1985). A straight line would leave the shell of noise: the
    mean of two draws is shorter than a draw.

    Args:
        a: start, any shape.
        b: end, of the same shape.
        fractions: how far along each point is, 0 at `a` and 1 at `b`, shape (n,).

    Returns:
        Points of shape (n, ...). Their length goes evenly from that of `a` to that of `b`.
    """
    size_a, size_b = a.norm(), b.norm()
    angle = torch.arccos(((a / size_a) * (b / size_b)).sum().clamp(-1, 1))
    s = fractions.reshape(-1, *[1] * a.dim()).to(a)
    if float(angle) < 1e-4:  # the same direction: the chord is the arc
        return (1 - s) * a + s * b
    size = (1 - s) * size_a + s * size_b
    return (
        size
        * (torch.sin((1 - s) * angle) * a / size_a + torch.sin(s * angle) * b / size_b)
        / torch.sin(angle)
    )
