"""The one way from noise to data: how every domain starts a solver, and what the solver starts from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from molediff.core.generators import Generators
from molediff.core.model import Denoiser, DiffusionModel
from molediff.core.solvers import Callback, Solver


def start_noise(
    model: DiffusionModel,
    times: Tensor,
    shape: Sequence[int],
    generators: Generators,
    mask: Tensor | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """x_1 = sigma(times[0]) times unit noise of the model's space, in model units, shape (n, *shape).

    Sigma is 1 at the end of variance-preserving paths only, and only if the grid begins there.

    Args:
        model: its path and space.
        times: grid of the solver.
        shape: of one sample.
        generators: n of them; sample i depends on the i-th of them alone.
        mask: (n, N), true for real rows of samples (N, d); None: all are.
        device: of the result; the generators may live elsewhere.
        dtype: of the result.
    """
    noise = model.space.sample((len(generators), *shape), generators, mask, device, dtype)
    return float(model.path.sigma(times[0])) * noise


def draw(
    model: DiffusionModel,
    solver: Solver,
    times: Tensor,
    denoiser: Denoiser,
    x_1: Tensor,
    generators: Generators,
    mask: Tensor | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """Samples (n, ...) in model units.

    Args:
        model: its path and space.
        solver: takes noise to data.
        times: falling grid (see `SolverOptions.times`).
        denoiser: estimates x_0: `model.denoiser(condition)`, or what guidance or fixed points make of it.
        x_1: where to start, the state at times[0], shape (n, ...): `start_noise`, or samples noised to that time.
        generators: n of them, for solvers that add noise.
        mask: see `start_noise`.
        callback: called after each step.
    """
    return solver.sample(denoiser, model.path, times, x_1, generators, model.space, mask, callback)
