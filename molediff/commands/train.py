"""`molediff train`: build the parts that configs/train.yaml and the command line name, and train."""

import os
import sys
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from molediff.commands.configured import DictConfig, command, script_name
from molediff.commands.threads import use_threads
from molediff.commands.training import Run, build_callbacks, build_run
from molediff.training.devices import LostProcessError, is_first
from molediff.training.distillation import DistillationTask
from molediff.training.guard import DivergedError
from molediff.training.run import find_checkpoint, train


@command("train")
def main(config: DictConfig) -> None:
    """Build the parts that the config names and train."""
    use_threads(config.threads)
    settings = config.trainer
    find_checkpoint(Path(config.run_dir), config.ckpt_path, config.overwrite)  # before data take their time
    run = build_run(config)
    for note in getattr(run.data, "notes", ()):
        print(f"{script_name()}: {note}", file=sys.stderr)
    named = sys.argv
    sys.argv = _started_again(named[1:])
    try:
        metrics = train(
            run.task,
            run.data,
            config.run_dir,
            config.ckpt_path,
            config.overwrite,
            config.device,
            config.precision,
            settings.ema_decay,
            settings.log_steps,
            settings.validate_minutes,
            settings.checkpoint_minutes,
            devices=settings.devices,
            num_nodes=settings.num_nodes,
            strategy=settings.strategy,
            accumulate=settings.accumulate,
            callbacks=build_callbacks(config, run.task, run.data),
            metadata=metadata_of(config, run),
        )
    except DivergedError as error:
        good = Path(config.run_dir, "last.ckpt").exists()
        left = f"the last good checkpoint is in {config.run_dir}" if good else "there is no checkpoint yet"
        print(f"{Path(named[0]).name}: stopped: {error}; {left}", file=sys.stderr)
        raise SystemExit(1) from None
    except LostProcessError as error:
        print(f"{Path(named[0]).name}: stopped: {error}", file=sys.stderr, flush=True)
        os._exit(1)  # an ordinary end would wait for the process that is gone
    finally:
        sys.argv = named
    if not is_first():
        return
    print(
        f"weights: {config.run_dir}/weights.safetensors; validation loss {metrics.get('val/loss', float('nan')):.4f}"
    )


def _started_again(words: list[str]) -> list[str]:
    """The command line by which Lightning, which makes it of sys.argv, starts the other processes of a training."""
    if getattr(sys.modules["__main__"], "__spec__", None) is None:
        return [__file__, *words]
    return [__file__, "train", *words]  # of python -m molediff


def metadata_of(config: DictConfig, run: Run) -> dict[str, Any]:
    """What the weights file says of its origin, besides how far the training is."""
    data: Any = run.data  # each kind of data says what it is, in its own words
    metadata = {"config": OmegaConf.to_container(config, resolve=True), "split": data.split}
    if run.former:
        metadata["begun_with"] = run.former["begun_with"]
    if isinstance(run.task, DistillationTask):
        metadata["sampling"] = {"solver": "ddim", "lambdas": run.task.teacher.lambdas}
    if config.get("refinement"):
        metadata["sampling"] = {
            "solver": "ddim",
            "lambdas": list(config.refinement.lambdas),
            "lambdas_by_init": OmegaConf.to_container(config.refinement.lambdas_by_init),
            "init": "minima",
        }
    if hasattr(run.data, "max_atoms"):
        metadata["max_atoms"] = max(run.data.max_atoms, run.former.get("max_atoms", 0))
    metadata |= getattr(run.data, "facts", {})
    return metadata


if __name__ == "__main__":  # another process of the same training
    main()
