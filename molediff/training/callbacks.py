"""What happens beside the training steps: logs, the progress line, and checkpoints with exported weights."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, Checkpoint
from pytorch_lightning.utilities.exceptions import SIGTERMException

from molediff.runtime.progress import tqdm
from molediff.training.averaging import ExponentialMovingAverage
from molediff.training.checkpoint import write_checkpoint
from molediff.training.devices import agreed, is_whole
from molediff.training.optimized import OptimizedTask


def task_of(pl_module: pl.LightningModule) -> OptimizedTask:
    """The module that a callback is given, which must be an `OptimizedTask`."""
    if not isinstance(pl_module, OptimizedTask):
        raise TypeError(f"this callback works with an OptimizedTask, got {type(pl_module).__name__}")
    return pl_module


@contextlib.contextmanager
def averaged_weights(trainer: pl.Trainer, task: OptimizedTask) -> Iterator[None]:
    """Inside the context `task` has its averaged weights, if the trainer keeps an average."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    average = next((c for c in callbacks if isinstance(c, ExponentialMovingAverage)), None)
    with contextlib.nullcontext() if average is None else average.swapped(task):
        yield


class StopAtEnd(Callback):
    """Stops the run when its clock says so. Stands before all callbacks that act on the last step.

    Of several processes the first decides, also when it is time to validate.
    """

    def __init__(self) -> None:
        self._validated_at = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting."""
        self._validated_at = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count anew."""
        self._validated_at = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop after this step if a bound of the run is reached."""
        if not is_whole(trainer, batch_idx):
            return
        over = trainer.should_stop or task_of(pl_module).clock.is_over(trainer.global_step)
        interval: float | None = trainer._val_check_time_interval  # type: ignore[attr-defined]
        if trainer.world_size == 1 or interval is None:
            trainer.should_stop = agreed(trainer, over)
            return
        due = time.monotonic() - self._validated_at >= interval
        trainer.should_stop, due = agreed(trainer, (over, due))
        # Lightning asks each process's own clock how long ago this was.
        trainer._last_val_time = -math.inf if due else math.inf  # type: ignore[attr-defined]


class Throughput(Callback):
    """Logs the training metrics and samples per second every `every_steps` steps, as means over these steps.

    Args:
        every_steps: optimizer steps between two rows of the log.
    """

    def __init__(self, every_steps: int = 50) -> None:
        self.every_steps = every_steps
        self._reset(0)

    def _reset(self, samples_seen: int) -> None:
        self._started_at = time.monotonic()
        self._samples_before = samples_seen
        self._rows: list[dict[str, float]] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting."""
        self._reset(task_of(pl_module).samples_seen)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting anew, so that the time of a validation is not counted as training."""
        self._reset(task_of(pl_module).samples_seen)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Collect this step and write a row when it is time."""
        if not is_whole(trainer, batch_idx):
            return
        task = task_of(pl_module)
        self._rows.append(task.step_metrics)
        if trainer.global_step % self.every_steps:
            return
        rate = (task.samples_seen - self._samples_before) / max(1e-9, time.monotonic() - self._started_at)
        metrics = {
            **{name: sum(row[name] for row in self._rows) / len(self._rows) for name in task.step_metrics},
            "train/samples_per_second": rate,
            "train/samples_seen": float(task.samples_seen),
            "minutes": task.clock.seconds / 60,
        }
        task.last_metrics.update(metrics)
        for logger in trainer.loggers:
            logger.log_metrics(metrics, step=trainer.global_step)
        self._reset(task.samples_seen)


class ProgressLine(Callback):
    """One line that shows how far the run is: loss, validation loss and samples per second; in place on a terminal."""

    def __init__(self, every_seconds: float = 1.0, every_seconds_without_terminal: float = 30.0) -> None:
        self.every_seconds = every_seconds
        self.every_seconds_without_terminal = every_seconds_without_terminal
        self._bar: tqdm | None = None
        self._shown_at = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the line, in the first process."""
        if trainer.is_global_zero:
            self._bar = tqdm(total=100, bar_format="{l_bar}{bar}{postfix}", disable=None, dynamic_ncols=True)
            self._shown_at = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Show the state if the last time is long enough ago."""
        if self._bar is None:
            return
        every = self.every_seconds_without_terminal if self._bar.disable else self.every_seconds
        if time.monotonic() - self._shown_at >= every:
            self._show(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the end and close the line."""
        if self._bar is not None:
            self._show(trainer, pl_module)
        self._close()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Close the line, so that a message starts on one of its own."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None and not self._bar.disable:
            self._bar.close()

    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert self._bar is not None
        self._shown_at = time.monotonic()
        task = task_of(pl_module)
        clock, last = task.clock, {**task.step_metrics, **task.last_metrics}
        parts = [
            f"step {trainer.global_step}",
            f"{clock.seconds / 60:.1f} min",
            f"loss {last.get('train/loss', 0):.4f}",
        ]
        for name, label in (("val/loss", "val"), ("val/rmsd_best_mean", "rmsd")):
            if name in last:
                parts.append(f"{label} {last[name]:.4f}")
        if "train/samples_per_second" in last:
            parts.append(f"{last['train/samples_per_second']:.0f} samples/s")
        text = ", ".join(parts)
        percent = 100 * clock.fraction(trainer.global_step)
        if self._bar.disable:
            print(f"{percent:5.1f} %  {text}", flush=True)
        else:
            self._bar.n = percent
            self._bar.set_postfix_str(text)


class PeriodicCheckpoint(Checkpoint):
    """Writes `last.ckpt` and exports the averaged weights every `every_minutes`, at the end, and on Ctrl-C, atomically.

    A run that diverges writes nothing more, so that the last good checkpoint stays.

    Args:
        folder: where `last.ckpt` goes.
        every_minutes: wall time between two checkpoints.
        export: called with the task; its model has the averaged weights then.
    """

    def __init__(
        self,
        folder: str | Path,
        every_minutes: float = 5.0,
        export: Callable[[OptimizedTask], None] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.every_minutes = every_minutes
        self.export = export
        self._written_at = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting."""
        self._written_at = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write if it is time."""
        if not is_whole(trainer, batch_idx):
            return
        due = time.monotonic() - self._written_at >= 60 * self.every_minutes
        if trainer.should_stop or agreed(trainer, due):
            self.write(trainer, pl_module)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Write if the run was interrupted from outside; not in a validation, when the model has averaged weights, and
        not where other processes would have to take part, of which none may be left.
        """
        if (
            trainer.world_size == 1
            and isinstance(exception, (KeyboardInterrupt, SIGTERMException))
            and trainer.training
            and trainer.global_step
        ):
            self.write(trainer, pl_module)

    def write(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the checkpoint, then the weights."""
        last = self.folder / "last.ckpt"
        if not trainer.is_global_zero:  # Lightning has every process take part, and the first one write
            trainer.save_checkpoint(last.with_name(last.name + ".partial"))
            self._written_at = time.monotonic()
            return
        write_checkpoint(last, trainer.save_checkpoint)
        for logger in trainer.loggers:
            logger.save()
        if self.export is not None:
            task = task_of(pl_module)
            with averaged_weights(trainer, task):
                self.export(task)
        self._written_at = time.monotonic()
