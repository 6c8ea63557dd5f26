"""A whole training run, from its parts to the weights on disk."""

from __future__ import annotations

import csv
import logging
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor, nn

from molediff.networks.weights import load_weights, save_weights
from molediff.training.averaging import ExponentialMovingAverage
from molediff.training.callbacks import PeriodicCheckpoint, ProgressLine, StopAtEnd, Throughput
from molediff.training.checkpoint import read_checkpoint
from molediff.training.devices import LostProcessError, is_first, is_lost_process, trainer_settings
from molediff.training.optimized import OptimizedTask
from molediff.training.precision import choose_accelerator, choose_precision

BuildRun = Callable[[Sequence[str]], tuple[OptimizedTask, pl.LightningDataModule, dict[str, Any]]]
"""From the words of a command line of train.py to what is trained, its data, and all settings."""


def train(
    task: OptimizedTask,
    data: pl.LightningDataModule,
    run_dir: str | Path,
    ckpt_path: str | None = None,
    overwrite: bool = False,
    device: str = "auto",
    precision: str = "auto",
    ema_decay: float = 0.999,
    log_steps: int = 50,
    validate_minutes: float = 5.0,
    checkpoint_minutes: float = 5.0,
    callbacks: tuple[Callback, ...] = (),
    metadata: dict[str, Any] | None = None,
    devices: int | str = 1,
    num_nodes: int = 1,
    strategy: str = "auto",
    accumulate: int = 1,
) -> dict[str, float]:
    """Train `task` on `data` until its clock says that the run is over, and leave everything in `run_dir`.

    Written are `last.ckpt` (to go on from), `weights.safetensors` (the averaged weights), and the logs `csv/` and
    `tensorboard/`.

    Args:
        task: what to train.
        data: loaders of training and validation batches.
        run_dir: folder of the run.
        ckpt_path: "last" goes on from the last checkpoint in `run_dir`; a path from that one; None begins anew.
        overwrite: begin anew although `run_dir` holds a checkpoint.
        device: "auto", "cpu" or "cuda".
        precision: "auto" or a precision of Lightning's.
        ema_decay: decay of the average of the weights that is validated and exported.
        log_steps: steps between rows of the log.
        validate_minutes: wall time between validations; there is one at the end in any case.
        checkpoint_minutes: wall time between checkpoints; there is one at the end in any case.
        callbacks: more callbacks, such as one that samples.
        metadata: what to write into the weights file beside the state of the run.
        devices: that share each batch, on each machine; on CPUs, processes. "auto": all GPUs, or one process.
        num_nodes: machines. torchrun and SLURM start the processes; on one machine this process does it.
        strategy: "auto", "ddp" or another of Lightning's.
        accumulate: parts that each device takes a batch in, one after the other, so that it fits into memory. A batch
            is that of one optimizer step in any case: neither the learning rate nor what is learned changes with the
            number of devices or parts, and a run can go on with others.

    Returns:
        The last value of every metric. A run that goes on from its end trains no further and writes nothing.

    Raises:
        ValueError: if `run_dir` holds a run that would be overwritten, or there is nothing to go on from, or that is
            damaged.
        OSError: if a checkpoint cannot be written.
        DivergedError: if the loss goes wrong; the last good checkpoint stays.
        LostProcessError: another process of the run died; the last checkpoint stays.
        KeyboardInterrupt: on Ctrl-C, after a checkpoint is written (not if several processes run).
    """
    run_dir = Path(run_dir)
    accelerator = choose_accelerator(device)
    shared = trainer_settings(accelerator, devices, num_nodes, strategy, accumulate)
    checkpoint = prepare_folder(run_dir, ckpt_path, overwrite)
    if checkpoint is not None and _is_finished(task, read_checkpoint(checkpoint)):
        return logged_metrics(run_dir)
    _be_quiet()
    average = ExponentialMovingAverage(ema_decay)

    def export(task: OptimizedTask) -> None:
        save_weights(run_dir / "weights.safetensors", task.model, {**(metadata or {}), **state_of(task)})

    periodic = PeriodicCheckpoint(run_dir, checkpoint_minutes, export)
    trainer = pl.Trainer(
        **shared,
        precision=choose_precision(precision, accelerator),  # type: ignore[arg-type]
        max_steps=-1,
        max_epochs=-1,
        val_check_interval=timedelta(minutes=validate_minutes),
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=log_steps,
        logger=[
            CSVLogger(run_dir, name="csv", flush_logs_every_n_steps=1),
            TensorBoardLogger(run_dir, name="tensorboard"),
        ],
        callbacks=[StopAtEnd(), average, Throughput(log_steps), *callbacks, ProgressLine(), periodic],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    try:
        trainer.fit(task, datamodule=data, ckpt_path=checkpoint, weights_only=True if checkpoint else None)
    except SystemExit:
        # Lightning turns Ctrl-C into this, after the callbacks have written what there is.
        if trainer.interrupted:
            raise KeyboardInterrupt from None
        raise
    except RuntimeError as error:
        if trainer.world_size > 1 and is_lost_process(error):
            raise LostProcessError(_lost(run_dir, error)) from error
        raise
    trainer.validate(task, datamodule=data, verbose=False)
    for logger in trainer.loggers:
        logger.finalize("success")
    return dict(task.last_metrics)


def _lost(run_dir: Path, error: RuntimeError) -> str:
    last = run_dir / "last.ckpt"
    left = f"go on from {last} with ckpt_path=last" if last.exists() else "there is no checkpoint yet"
    reason = str(error).strip().splitlines()[0][:200]
    return f"another process of this training died or no longer answers ({reason}): {left}"


def _is_finished(task: OptimizedTask, checkpoint: dict[str, Any]) -> bool:
    """Whether the clock of `task` says that a run was over at this checkpoint."""
    task.clock.load_state_dict(checkpoint["task"]["clock"])
    return task.clock.is_over(checkpoint["global_step"])


def logged_metrics(run_dir: Path) -> dict[str, float]:
    """The last value of every metric in the logs of a run."""
    found: dict[str, float] = {}
    logs = run_dir.glob("csv/version_*/metrics.csv")
    for log in sorted(logs, key=lambda path: int(path.parent.name.removeprefix("version_"))):
        with log.open(newline="") as file:
            for row in csv.DictReader(file):
                found |= {name: float(value) for name, value in row.items() if value and name != "step"}
    return found


def prepare_folder(run_dir: Path, ckpt_path: str | None, overwrite: bool = False) -> Path | None:
    """`find_checkpoint`; where there is none, the logs of an earlier run are removed."""
    checkpoint = find_checkpoint(run_dir, ckpt_path, overwrite)
    if checkpoint is None and is_first():
        for logs in ("csv", "tensorboard"):
            shutil.rmtree(run_dir / logs, ignore_errors=True)
    return checkpoint


def find_checkpoint(run_dir: Path, ckpt_path: str | None, overwrite: bool = False) -> Path | None:
    """The checkpoint to go on from, or None to begin anew.

    Raises:
        ValueError: if it does not exist, or a run in `run_dir` would be overwritten.
    """
    last = run_dir / "last.ckpt"
    if ckpt_path is None:
        if last.exists() and not overwrite:
            raise ValueError(
                f"{run_dir} holds a run: go on with ckpt_path=last, or choose another run_dir= or overwrite=true"
            )
        return None
    path = last if ckpt_path == "last" else Path(ckpt_path)
    if not path.exists():
        raise ValueError(f"there is no checkpoint {path} to go on from: leave ckpt_path= out to begin anew")
    return path


def load_into(model: nn.Module, weights: str | Path, blocks: Sequence[int] | None = None) -> None:
    """Begin from the weights of a file instead of random ones.

    Args:
        model: gets them.
        weights: the file.
        blocks: which blocks of the head to take, in this order, for a network of fewer of them; None takes all.

    Raises:
        ValueError: if the weights are of a network of another shape.
    """
    state, _ = load_weights(weights)
    if blocks is not None:
        state = with_blocks(state, blocks)
    network = getattr(model, "network", model)
    additions, omissions = (getattr(network, which, ()) for which in ("additions", "omissions"))
    own = model.state_dict()
    for name, value in own.items():
        if any(part in name for part in additions):
            state.setdefault(name, value)
    state = {
        name: value
        for name, value in state.items()
        if name in own or not any(part in name for part in omissions)
    }
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"the weights {weights} do not fit the network: {reason}") from None


def with_blocks(state: dict[str, Tensor], blocks: Sequence[int]) -> dict[str, Tensor]:
    """The parameters of a model with these blocks of the head alone, numbered anew."""
    numbers = {f"network.blocks.{old}.": f"network.blocks.{new}." for new, old in enumerate(blocks)}
    kept = {}
    for name, tensor in state.items():
        found = re.match(r"network\.blocks\.\d+\.", name)
        if found is None:
            kept[name] = tensor
        elif found[0] in numbers:
            kept[numbers[found[0]] + name[found.end() :]] = tensor
    return kept


def facts_of(weights: str | Path) -> dict[str, Any]:
    """What stays true of a model that goes on from these weights: their scale, what they knew, and which they were."""
    _, metadata = load_weights(weights)
    known = {key: metadata[key] for key in ("sha256", "samples_seen", "split") if key in metadata}
    return {
        "scale": metadata.get("config", {}).get("scale"),
        "max_atoms": metadata.get("max_atoms", 0),
        "begun_with": known,
    }


def state_of(task: OptimizedTask) -> dict[str, Any]:
    """How far the run is, when and from which sources, for the metadata of its weights."""
    return {
        "samples_seen": task.samples_seen,
        "noise_draws_seen": task.samples_seen * task.num_draws,
        "steps": task.global_step,
        "minutes": round(task.clock.seconds / 60, 2),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
    }


def git_commit() -> str:
    """Commit of the sources in use, with "+" if they were changed since; "unknown" outside a git checkout."""
    folder = Path(__file__).parent
    try:
        words = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _be_quiet() -> None:
    """Silence Lightning's advice on things that are as they are on purpose."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for message in (
        ".*does not have many workers.*",
        ".*Checkpoint directory .* exists.*",
        ".*LeafSpec.*",
        ".*logs directory .* exists and is not empty.*",
    ):
        warnings.filterwarnings("ignore", message=message)
