"""The parts of a training run, built from configs/train.yaml."""

from __future__ import annotations

from _cli import DictConfig
from hydra.utils import instantiate
from pytorch_lightning import LightningDataModule
from pytorch_lightning.callbacks import Callback

from molediff.core.model import DiffusionModel
from molediff.evaluation.rmsd import rmsd_matrix
from molediff.training.clock import Clock
from molediff.training.conformers import SampledConformers
from molediff.training.task import DiffusionTask, Unpack


def build_model(config: DictConfig) -> DiffusionModel:
    """The untrained model; `config.scale` must be known."""
    return DiffusionModel(
        instantiate(config.network),
        instantiate(config.path),
        instantiate(config.target),
        instantiate(config.space),
        config.scale,
    )


def build_task(config: DictConfig, model: DiffusionModel, clock: Clock, unpack: Unpack) -> DiffusionTask:
    """What is trained, and how; `unpack` is that of the data module."""
    settings = config.trainer
    return DiffusionTask(
        model,
        instantiate(config.objective),
        clock,
        unpack,
        instantiate(config.coupling),
        num_draws=settings.num_draws,
        drop_probability=settings.drop_probability,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        schedule=instantiate(settings.schedule),
        clipping=instantiate(settings.clipping),
        output_clipping=instantiate(settings.output_clipping),
        num_validation_draws=settings.num_validation_draws,
        seed=config.seed,
    )


def build_callbacks(config: DictConfig, data: LightningDataModule) -> tuple[Callback, ...]:
    """What looks at samples during training, for the domain of `data`."""
    settings = config.trainer
    if not settings.sample_minutes:
        return ()
    if mols := getattr(data, "reference_mols", None):
        solver, times = instantiate(config.solver.solver), instantiate(config.solver.times)
        return (
            SampledConformers(
                mols,
                rmsd_matrix,
                settings.samples_each,
                settings.sample_minutes,
                solver,
                times,
                config.solver.num_steps,
            ),
        )
    return ()
