"""Checks of a solver's settings."""

from __future__ import annotations

import math


def check_eta(eta: float, largest: float = math.inf) -> None:
    """Raise a ValueError unless 0 <= eta <= largest."""
    if not 0 <= eta < math.inf:
        raise ValueError(f"eta scales the noise and must be finite and >= 0 (0: ODE, 1: SDE); got {eta}.")
    if eta > largest:
        raise ValueError(f"eta must be at most {largest} here; got {eta}. For more noise use EulerMaruyama(eta={eta}).")
