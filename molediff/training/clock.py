"""How far a run is: in steps, in wall time, and as the fraction that learning-rate schedules follow."""

from __future__ import annotations

import time


class Clock:
    """Counts the wall time of a run across interruptions, and turns steps and time into one fraction.

    Args:
        max_steps: optimizer steps of the whole run, or None for no bound.
        max_minutes: wall time of the whole run in minutes, or None for no bound.

    Raises:
        ValueError: if both bounds are None or one is not positive.
    """

    def __init__(self, max_steps: int | None = None, max_minutes: float | None = None) -> None:
        if max_steps is None and max_minutes is None:
            raise ValueError("a run needs a bound: give max_minutes= or max_steps=")
        for name, value in (("max_steps", max_steps), ("max_minutes", max_minutes)):
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be positive, got {value}")
        self.max_steps = max_steps
        self.max_minutes = max_minutes
        self._earlier_seconds = 0.0
        self._started_at: float | None = None

    def start(self) -> None:
        """Start counting, on top of what earlier parts of the run took."""
        self._started_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time of the run so far, earlier parts included."""
        running = 0.0 if self._started_at is None else time.monotonic() - self._started_at
        return self._earlier_seconds + running

    def fraction(self, step: int, seconds: float | None = None) -> float:
        """Part of the run that is over after `step` steps, in [0, 1]: the bound that is nearer counts.

        Args:
            step: optimizer steps done.
            seconds: wall time of the run so far; None: as this clock has it.
        """
        seconds = self.seconds if seconds is None else seconds
        by_steps = 0.0 if self.max_steps is None else step / self.max_steps
        by_time = 0.0 if self.max_minutes is None else seconds / (60.0 * self.max_minutes)
        return min(1.0, max(by_steps, by_time))

    def is_over(self, step: int) -> bool:
        """Whether a bound is reached."""
        return self.fraction(step) >= 1.0

    def state_dict(self) -> dict[str, float]:
        """What a checkpoint keeps: the seconds so far."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from where the checkpoint was written; time in between does not count."""
        self._earlier_seconds = float(state["seconds"])
        if self._started_at is not None:
            self.start()
