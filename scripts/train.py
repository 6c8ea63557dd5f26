"""Train a model: `python scripts/train.py experiment=qm9_conformers max_minutes=110`. Keys: configs/train.yaml."""

import sys
from pathlib import Path
from typing import Any

from _cli import DictConfig, command, use_threads
from _parts import build_callbacks, build_model, build_task
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pytorch_lightning import LightningDataModule, seed_everything

from molediff.networks.pretrained import find_weights
from molediff.training.clock import Clock
from molediff.training.distillation import DistillationTask
from molediff.training.guard import DivergedError
from molediff.training.optimized import OptimizedTask
from molediff.training.run import facts_of, find_checkpoint, load_into, train


@command("train")
def main(config: DictConfig) -> None:
    """Build the parts that the config names and train."""
    use_threads(config.threads)
    settings = config.trainer
    clock = Clock(config.max_steps, config.max_minutes)
    find_checkpoint(Path(config.run_dir), config.ckpt_path, config.overwrite)  # before data take their time
    data = instantiate(config.data)
    for note in getattr(data, "notes", ()):
        print(f"train.py: {note}", file=sys.stderr)
    warm_start = None if config.warm_start is None else find_weights(config.warm_start)
    former = {} if warm_start is None else facts_of(warm_start)
    if config.scale is None:
        config.scale = former.get("scale") or round(data.scale(), 4)
    seed_everything(config.seed, verbose=False)
    model = build_model(config)
    if warm_start is not None:
        load_into(model, warm_start, config.warm_start_blocks)
    task = build_task(config, model, clock, data.unpack)
    try:
        metrics = train(
            task,
            data,
            config.run_dir,
            config.ckpt_path,
            config.overwrite,
            config.device,
            config.precision,
            settings.ema_decay,
            settings.log_steps,
            settings.validate_minutes,
            settings.checkpoint_minutes,
            callbacks=build_callbacks(config, task, data),
            metadata=metadata_of(config, task, data, former),
        )
    except DivergedError as error:
        print(f"train.py: stopped: {error}; the last good checkpoint is in {config.run_dir}", file=sys.stderr)
        raise SystemExit(1) from None
    print(
        f"weights: {config.run_dir}/weights.safetensors; validation loss {metrics.get('val/loss', float('nan')):.4f}"
    )


def metadata_of(
    config: DictConfig, task: OptimizedTask, data: LightningDataModule, former: dict[str, Any]
) -> dict[str, Any]:
    """What the weights file says of its origin, besides how far the training is."""
    metadata = {"config": OmegaConf.to_container(config, resolve=True), "split": data.split}
    if former:
        metadata["begun_with"] = former["begun_with"]
    if isinstance(task, DistillationTask):
        metadata["sampling"] = {"solver": "ddim", "lambdas": task.teacher.lambdas}
    if config.get("refinement"):
        metadata["sampling"] = {"solver": "ddim", "lambdas": list(config.refinement.lambdas), "init": "etkdg"}
    if hasattr(data, "max_atoms"):
        metadata["max_atoms"] = max(data.max_atoms, former.get("max_atoms", 0))
    return metadata


if __name__ == "__main__":
    main()
