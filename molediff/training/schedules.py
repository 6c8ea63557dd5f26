"""Learning-rate schedules: the factor on the base rate, as a function of the fraction of the run that is over.

The fraction comes from `Clock`, so that a schedule ends when the run does, be it bounded by steps or by time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """Maps the fraction of the run that is over, in [0, 1], and the step to a factor on the base learning rate."""

    def __call__(self, fraction: float, step: int) -> float: ...


@dataclass(frozen=True)
class _WarmUp:
    """Linear rise from 0 to 1 over the first `warm_up_steps` steps."""

    warm_up_steps: int = 500

    def warm_up(self, step: int) -> float:
        return min(1.0, (step + 1) / max(1, self.warm_up_steps))


@dataclass(frozen=True)
class Constant(_WarmUp):
    """1 after the warm-up (Ho et al. 2020, appendix B)."""

    def __call__(self, fraction: float, step: int) -> float:
        return self.warm_up(step)


@dataclass(frozen=True)
class Cosine(_WarmUp):
    """(1 + cos(pi fraction)) / 2, which ends at 0 (Loshchilov and Hutter 2017, eq. 5, without restarts)."""

    def __call__(self, fraction: float, step: int) -> float:
        return self.warm_up(step) * 0.5 * (1.0 + math.cos(math.pi * fraction))


@dataclass(frozen=True)
class Linear(_WarmUp):
    """1 until `hold`, then a straight line to 0 at the end."""

    hold: float = 0.0

    def __call__(self, fraction: float, step: int) -> float:
        return self.warm_up(step) * min(1.0, (1.0 - fraction) / (1.0 - self.hold))


@dataclass(frozen=True)
class Exponential(_WarmUp):
    """final**fraction: falls by the same factor in every equal part of the run, down to `final`."""

    final: float = 0.01

    def __call__(self, fraction: float, step: int) -> float:
        return self.warm_up(step) * self.final**fraction


@dataclass(frozen=True)
class StepDecay(_WarmUp):
    """Multiplied by `factor` at each of `milestones`: high for long, while the high noise levels are still learnt."""

    milestones: tuple[float, ...] = (0.6, 0.8, 0.9)
    factor: float = 0.3

    def __call__(self, fraction: float, step: int) -> float:
        return self.warm_up(step) * self.factor ** sum(fraction >= milestone for milestone in self.milestones)
