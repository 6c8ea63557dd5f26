"""Stops a run whose loss has gone wrong before the weights are lost."""

from __future__ import annotations

import math


class DivergedError(RuntimeError):
    """The loss or its gradient is not finite, or the loss has grown far above what it was."""


class LossGuard:
    """Watches the loss and the gradient norm of every step.

    Args:
        factor: the run stops when the running mean of the loss exceeds `factor` times the lowest it has been.
        length: number of steps over which the mean runs.
    """

    def __init__(self, factor: float = 10.0, length: int = 100) -> None:
        self.factor = factor
        self.length = length
        self._mean = 0.0
        self._lowest = math.inf
        self._num_steps = 0

    def check_gradient(self, norm: float, step: int) -> None:
        """Raise before a gradient that is not finite reaches the weights.

        Raises:
            DivergedError: if `norm` is not finite.
        """
        if not math.isfinite(norm):
            raise DivergedError(
                f"the gradient at step {step} is not finite ({norm}): "
                "lower trainer.learning_rate=, or train with precision=32-true"
            )

    def check_loss(self, loss: float, step: int) -> None:
        """Raise if the loss is not finite or has exploded.

        Raises:
            DivergedError: in either case.
        """
        if not math.isfinite(loss):
            raise DivergedError(
                f"the loss at step {step} is not finite ({loss}): check the data, "
                "lower trainer.learning_rate=, or train with precision=32-true"
            )
        self._num_steps += 1
        # A plain mean until `length` losses are there, an exponential one after.
        self._mean += (loss - self._mean) / min(self._num_steps, self.length)
        if self._num_steps < self.length:
            return
        self._lowest = min(self._lowest, self._mean)
        if self._mean > self.factor * self._lowest:
            raise DivergedError(
                f"the loss at step {step} has grown to {self._mean:.3g}, {self.factor:g} times the lowest it was "
                f"({self._lowest:.3g}): lower trainer.learning_rate= or clip the gradient harder"
            )

    def state_dict(self) -> dict[str, float]:
        """The running mean and the lowest it has been."""
        return {"mean": self._mean, "lowest": self._lowest, "num_steps": self._num_steps}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Restore the running mean and the lowest it has been."""
        self._mean, self._lowest = float(state["mean"]), float(state["lowest"])
        self._num_steps = int(state["num_steps"])
