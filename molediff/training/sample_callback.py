"""Samples that are drawn and looked at during training."""

from __future__ import annotations

import time
from abc import abstractmethod

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.trainer.states import TrainerFn

from molediff.training.callbacks import averaged_weights, task_of
from molediff.training.optimized import OptimizedTask


class SamplingCallback(Callback):
    """Calls `look` with the averaged weights after a validation, if the last time is long ago, and at the end.

    Args:
        every_minutes: least wall time between two calls.
    """

    def __init__(self, every_minutes: float = 10.0) -> None:
        self.every_minutes = every_minutes
        self._looked_at = time.monotonic()

    @abstractmethod
    def look(self, task: OptimizedTask, step: int) -> dict[str, float]:
        """Sample from `task.model` after `step` steps; the metrics returned are logged."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting."""
        self._looked_at = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Sample if it is time, or if training is over."""
        if not trainer.is_global_zero:
            return
        is_fitting = trainer.state.fn == TrainerFn.FITTING
        if is_fitting and time.monotonic() - self._looked_at < 60 * self.every_minutes:
            return
        task = task_of(pl_module)
        with averaged_weights(trainer, task):
            metrics = self.look(task, trainer.global_step)
        if metrics:
            task.log_now(metrics)
        self._looked_at = time.monotonic()
