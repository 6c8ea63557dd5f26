"""The parts of a training run, built from configs/train.yaml."""

from __future__ import annotations

from _cli import DictConfig
from hydra.utils import instantiate

from molediff.core.model import DiffusionModel
from molediff.molecules.datamodule import unpack_conformers
from molediff.training.clock import Clock
from molediff.training.task import DiffusionTask


def build_model(config: DictConfig) -> DiffusionModel:
    """The untrained model; `config.scale` must be known."""
    return DiffusionModel(
        instantiate(config.network),
        instantiate(config.path),
        instantiate(config.target),
        instantiate(config.space),
        config.scale,
    )


def build_task(config: DictConfig, model: DiffusionModel, clock: Clock) -> DiffusionTask:
    """What is trained, and how."""
    settings = config.trainer
    return DiffusionTask(
        model,
        instantiate(config.objective),
        clock,
        unpack_conformers,
        instantiate(config.coupling),
        num_draws=settings.num_draws,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        schedule=instantiate(settings.schedule),
        clipping=instantiate(settings.clipping),
        output_clipping=instantiate(settings.output_clipping),
        num_validation_draws=settings.num_validation_draws,
        seed=config.seed,
    )
