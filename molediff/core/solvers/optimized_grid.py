"""A grid made for few steps, by minimizing the exact error on Gaussian data."""

from __future__ import annotations

import torch
from torch import Tensor

from molediff.core.paths import Path
from molediff.core.solvers.grids import between_ends, lambda_ends, ramp

SPECTRUM = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Variances of the data in model units: from the stiffest direction (a bond) to the softest, which sets the scale."""


def optimized(
    path: Path, steps: int, order: int = 2, variances: tuple[float, ...] = SPECTRUM, iterations: int = 60
) -> Tensor:
    """Grid with the least error of DPM-Solver++(order) for Gaussian data with these variances.

    For such data x0_hat is linear in x_t, a whole run multiplies the noise by one number in each direction,
    and the exact number is
    known: the mean square error of its logarithm is minimized over the inner points in lambda (by L-BFGS, from a
    uniform start; deterministic, about a second). In the spirit of Xue et al. 2024 and Sabour et al. 2024,
    without a network.

    Args:
        path: noising path.
        steps: at least 1.
        order: 1 for DDIM, 2 for DPM-Solver++(2M).
        variances: of the data along its principal directions, in model units.
        iterations: of L-BFGS.

    Returns:
        Times from path.t_max to path.t_min, shape (steps + 1,), float64.
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 (DDIM) or 2 (DPM-Solver++(2M)); got {order}.")
    if not variances or min(variances) <= 0:
        raise ValueError(f"variances must be positive; got {variances}.")
    first, last = lambda_ends(path)
    ramp(steps)  # checks the number of steps
    variance = torch.tensor(variances, dtype=torch.float64)
    logits = torch.zeros(steps, dtype=torch.float64, requires_grad=True)

    def lambdas() -> Tensor:
        shares = torch.cat([logits.new_zeros(1), torch.softmax(logits, 0).cumsum(0)])
        return first + (last - first) * shares

    optimizer = torch.optim.LBFGS([logits], max_iter=iterations, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = _log_error(path, lambdas(), variance, order).square().mean()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)
    return between_ends(path, path.t_of_lambda(lambdas().detach()))


def _log_error(path: Path, lambdas: Tensor, variance: Tensor, order: int) -> Tensor:
    """Logarithm of the solver's factor over the exact one, for each variance."""
    t = path.t_of_lambda(lambdas)
    alpha, sigma, h = path.alpha(t), path.sigma(t), lambdas.diff()
    spread = alpha[:, None] ** 2 * variance + sigma[:, None] ** 2  # variance of x_t, (steps + 1, directions)
    gain = alpha[:, None] * variance / spread  # x0_hat / x_t
    x, x0_before = torch.ones_like(variance), None
    for i in range(len(h)):
        x0_hat = gain[i] * x
        middle = x0_hat
        if order == 2 and x0_before is not None:
            middle = x0_hat + 0.5 * h[i] / h[i - 1] * (x0_hat - x0_before)
        x = sigma[i + 1] / sigma[i] * x - alpha[i + 1] * torch.expm1(-h[i]) * middle
        x0_before = x0_hat
    # x may come out negative from few steps; the square keeps the error finite and large
    return 0.5 * torch.log((x.square() + 1e-12) / (spread[-1] / spread[0]))
