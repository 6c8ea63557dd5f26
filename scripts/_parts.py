"""The parts of a training run, built from configs/train.yaml."""

from __future__ import annotations

from typing import Any

from _cli import DictConfig
from hydra.utils import instantiate
from pytorch_lightning import LightningDataModule
from pytorch_lightning.callbacks import Callback
from torch import nn

from molediff.core.distillation import Teacher
from molediff.core.model import DiffusionModel
from molediff.core.solvers import DDIM, AtLambdas, central_lambda, with_final_denoising
from molediff.evaluation.conformers.during_training import SampledConformers
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.evaluation.images.during_training import SampledImages
from molediff.evaluation.images.grid import grid
from molediff.images.datamodule import ImageDataModule
from molediff.networks.autoencoder import Autoencoder
from molediff.networks.pretrained import load_model
from molediff.training.autoencoding import AutoencoderTask
from molediff.training.clock import Clock
from molediff.training.compiled import CompiledNetwork
from molediff.training.distillation import DistillationTask
from molediff.training.mixture import ExcessLoss, MixtureDataModule
from molediff.training.optimized import OptimizedTask
from molediff.training.refinement import RefinementTask
from molediff.training.run import load_into
from molediff.training.task import DiffusionTask, Unpack


def build_model(config: DictConfig) -> nn.Module:
    """The untrained model, a `DiffusionModel` or an `Autoencoder`; `config.scale` must be known."""
    network = instantiate(config.network)
    if config.get("task") == "autoencoder":
        return network
    if config.get("autoencoder"):
        load_into(network.autoencoder, config.autoencoder)
    return DiffusionModel(
        network,
        instantiate(config.path),
        instantiate(config.target),
        instantiate(config.space),
        config.scale,
        instantiate(config.prior),
    )


def build_task(config: DictConfig, model: nn.Module, clock: Clock, unpack: Unpack) -> OptimizedTask:
    """What is trained, and how; `unpack` is that of the data module."""
    settings = config.trainer
    optimization: dict[str, Any] = {
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "schedule": instantiate(settings.schedule),
        "clipping": instantiate(settings.clipping),
        "seed": config.seed,
    }
    if isinstance(model, Autoencoder):
        return AutoencoderTask(model, clock, unpack, **optimization)
    if config.get("distillation"):
        return DistillationTask(
            model,
            build_teacher(config.distillation),
            instantiate(config.objective),
            clock,
            unpack,
            num_draws=settings.num_draws,
            on_policy=config.distillation.on_policy,
            num_uses=config.distillation.num_uses,
            num_validation_draws=settings.num_validation_draws,
            weights=config.distillation.weights,
            minima_from=config.distillation.minima_from,
            reach=config.distillation.reach,
            **optimization,
        )
    kind: type[DiffusionTask] = DiffusionTask
    more: dict[str, Any] = {}
    if config.get("refinement"):
        kind, more = (
            RefinementTask,
            {**config.refinement, "distances": instantiate(config.refinement.distances)},
        )
        del more["lambdas"]
    return kind(
        model,
        instantiate(config.objective),
        clock,
        unpack,
        instantiate(config.coupling),
        num_draws=settings.num_draws,
        drop_probability=settings.drop_probability,
        output_clipping=instantiate(settings.output_clipping),
        loss_in_points=settings.loss_in_points,
        num_validation_draws=settings.num_validation_draws,
        **more,
        **optimization,
    )


def build_teacher(config: DictConfig) -> Teacher:
    """The model that a student learns from, and how it is sampled."""
    model, _ = load_model(config.teacher)
    times = with_final_denoising(central_lambda(model.path, config.num_steps - 1))
    return Teacher(model, instantiate(config.solver), times, tuple(config.stops))


def build_callbacks(
    config: DictConfig, task: OptimizedTask, data: LightningDataModule
) -> tuple[Callback, ...]:
    """What happens beside the training steps."""
    compiled = (CompiledNetwork(),) if config.trainer.compile else ()
    # Last, since what samples after a validation has other shapes, which are not worth a compilation either.
    return (*_sampling(config, task, data), *compiled)


def _sampling(config: DictConfig, task: OptimizedTask, data: LightningDataModule) -> tuple[Callback, ...]:
    """What looks at samples during training, for the domain of `data`."""
    settings = config.trainer
    if not settings.sample_minutes or config.get("task") == "autoencoder":
        return ()
    if isinstance(data, MixtureDataModule):
        return (ExcessLoss(data.data, settings.log_steps),)
    if isinstance(data, ImageDataModule):
        num_levels, folder = data.split["num_levels"], f"{config.run_dir}/samples"
        return (SampledImages(folder, grid, num_levels, settings.samples_each, settings.sample_minutes),)
    if mols := getattr(data, "reference_mols", None):
        solver, times = instantiate(config.solver.solver), instantiate(config.solver.times)
        num_steps = config.solver.num_steps
        if isinstance(task, DistillationTask):
            solver, times = DDIM(), AtLambdas(tuple(task.teacher.lambdas))
            num_steps = len(times.lambdas)
        return (
            SampledConformers(
                mols,
                rmsd_matrix,
                settings.samples_each,
                settings.sample_minutes,
                solver,
                times,
                num_steps,
            ),
        )
    return ()
