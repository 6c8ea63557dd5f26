"""Checks of what a solver is given."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from molediff.core.paths import Path

_TOLERANCE = 1e-6  # a float32 grid may miss the ends of the interval by a rounding


def check_eta(eta: float, largest: float = math.inf) -> None:
    """Raise a ValueError unless 0 <= eta <= largest."""
    if not isinstance(eta, int | float) or not 0 <= eta < math.inf:
        raise ValueError(f"eta scales the noise and must be finite and >= 0 (0: ODE, 1: SDE); got {eta!r}.")
    if eta > largest:
        raise ValueError(f"eta must be at most {largest} here; for more noise use EulerMaruyama(eta={eta}).")


def check_times(path: Path, times: Tensor) -> None:
    """Raise a ValueError unless `times` is a grid that descends within the path's interval (or to t = 0 in the
    end), with lambda rising."""
    if times.dim() != 1 or len(times) < 2:
        raise ValueError(
            f"times must hold steps + 1 values for at least one step; got the shape {tuple(times.shape)}."
        )
    t = times.detach().to("cpu", torch.float64)
    if not bool((t[1:] < t[:-1]).all()):
        raise ValueError(
            f"times must descend, from noise (t = 1) to data (t = 0); got {t.tolist()}. Flip them."
        )
    last = t[-2] if t[-1] == 0 else t[-1]
    if t[0] > path.t_max + _TOLERANCE or last < path.t_min * (1 - 1e-4) - _TOLERANCE**2:
        raise ValueError(
            f"times from {t[0]:.3g} to {last:.3g} leave [{path.t_min:.3g}, {path.t_max:.3g}], where {path} is "
            "numerically sound. Use a grid of molediff.core.solvers (only the last time may be 0 itself)."
        )
    if not bool((path.lambda_(t).diff() > 0).all()):
        raise ValueError(
            f"lambda of {path} does not fall all the way in t; a path needs alpha / sigma to fall."
        )
