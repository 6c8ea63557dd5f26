"""The time that each molecule has taken, measured in one place."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Clock:
    """Time spent on one molecule.

    Args:
        limit: seconds that the molecule may have; None: any.
    """

    def __init__(self, limit: float | None = None):
        self.limit = limit
        self._spent = 0.0
        self._since: float | None = None
        self._fraction = 0.0

    @property
    def seconds(self) -> float:
        """Time spent so far, of what it does together with others its part."""
        running = 0.0 if self._since is None else self._fraction * (time.perf_counter() - self._since)
        return self._spent + running

    @property
    def is_up(self) -> bool:
        """Whether the molecule has had the time that it may have."""
        return self.limit is not None and self.seconds > self.limit

    @property
    def left(self) -> float:
        """Seconds that the molecule may still have; infinite without a limit."""
        return math.inf if self.limit is None else max(0.0, self.limit - self.seconds)

    def start(self, fraction: float = 1.0) -> None:
        """Begin to measure; `fraction` of the time is this molecule's."""
        self._since, self._fraction = time.perf_counter(), fraction

    def stop(self) -> None:
        """Cease to measure."""
        self._spent, self._since = self.seconds, None


@contextmanager
def running(clocks: Sequence[Clock], weights: Sequence[float] = (1.0,)) -> Iterator[None]:
    """Divide the time of what is done within among molecules, by weights."""
    total = sum(weights)
    for clock, weight in zip(clocks, weights, strict=True):
        clock.start(weight / total)
    try:
        yield
    finally:
        for clock in clocks:
            clock.stop()
