"""Adaptive Dormand-Prince 5(4), with a step control for each sample.

Source: Dormand and Prince 1980, table 2 (the coefficients); Shampine 1986 (the estimate of the error); Hairer, Norsett
and Wanner 1993, section II.4 (the step control).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from molediff.core.paths import expand_like

# Dormand and Prince's pair: where the stages are taken, as shares of the step, and what each is made of. The last stage
# is the first of the next step.
_SHARES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
# Fifth order less Shampine's fourth: two thirds of the difference between Dormand and Prince's own two.
_ERROR = (
    71 / 86400,
    0.0,
    -142 / 50085,
    71 / 2880,
    -5751 / 169600,
    44 / 1575,
    -1 / 60,
)
# The usual control: the next step is 0.9 of the one that would just do, but changes by no more than these factors.
_SAFETY, _SLOWEST, _FASTEST = 0.9, 0.2, 10.0
_FIRST, _LEAST = 1e-2, 1e-10  # the first step tried, and the step at which a sample is given up
LONGEST = 1.0
"""Longest step in lambda. What a sample decides, it decides within about one unit of lambda; a longer step can jump
over that without a stage to see it, and the estimated error is then a fraction of the true one."""


def integrate_each(
    velocity: Callable[[Tensor, Tensor], Tensor],
    start: Tensor,
    first: float,
    last: float,
    rtol: float,
    atol: float,
    longest: float = LONGEST,
) -> Tensor:
    """Integrate dy/ds = velocity(s, y) of every sample from s = `first` to `last`, each by steps of its own.

    With one step for a whole batch a sample would depend on its batch mates; sample by sample there would be as many
    network calls as samples. Here all samples go side by side, each at its own s.

    Args:
        velocity: function of s (n,), float64, and y (n, ...) to dy/ds (n, ...), where row i depends on row i alone.
        start: y at `first`, shape (n, ...).
        first, last: ends of the span, in either order.
        rtol, atol: relative and absolute error of each entry of a sample allowed a step.
        longest: bound on the length of a step.

    Returns:
        y at `last`, shape (n, ...). A sample for which no step is small enough is NaN.
    """
    s = torch.full((len(start),), first, dtype=torch.float64, device=start.device)
    h, y, slope = torch.full_like(s, math.copysign(_FIRST, last - first)), start, velocity(s, start)
    failed = torch.zeros_like(s, dtype=torch.bool)
    while bool((s != last).any()):
        h = h.clamp(-longest, longest)
        is_last = (last - s).abs() <= h.abs()
        h = torch.where(is_last, last - s, h)
        stages, y_next = [slope], y
        for share, row in zip(_SHARES, _STAGES, strict=True):
            y_next = y + _combined(h, row, stages)
            stages.append(velocity(s + share * h, y_next))
        allowed = atol + rtol * torch.maximum(y.abs(), y_next.abs())
        error = _combined(h, _ERROR, stages) / allowed
        ratio = error.abs().flatten(1).amax(1).double()  # the largest: zeros of padding do not count
        accepted = ratio <= 1  # false for NaN, which a shorter step may cure
        s = torch.where(accepted, torch.where(is_last, last, s + h), s)
        keep = expand_like(accepted, y)
        y, slope = torch.where(keep, y_next, y), torch.where(keep, stages[-1], slope)
        change = (_SAFETY * ratio**-0.2).clamp(_SLOWEST, _FASTEST)
        h = h * torch.where(accepted, change.clamp(min=1), change.nan_to_num(_SLOWEST))
        failed = failed | (s != last) & (h.abs() < _LEAST)
        s = torch.where(failed, last, s)
    return torch.where(expand_like(failed, y), torch.nan, y)


def _combined(h: Tensor, factors: Sequence[float], stages: list[Tensor]) -> Tensor:
    """h (n,) times the sum of the stages (n, ...) with these factors."""
    total = sum((factor * k for factor, k in zip(factors, stages, strict=True)), torch.zeros_like(stages[0]))
    return expand_like(h.to(total), total) * total
