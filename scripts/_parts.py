"""The parts of a training run, built from configs/train.yaml."""

from __future__ import annotations

from typing import Any

from _cli import DictConfig
from hydra.utils import instantiate
from pytorch_lightning import LightningDataModule
from pytorch_lightning.callbacks import Callback
from torch import nn

from molediff.core.model import DiffusionModel
from molediff.evaluation.image_grid import grid
from molediff.evaluation.rmsd import rmsd_matrix
from molediff.images.datamodule import ImageDataModule
from molediff.networks.autoencoder import Autoencoder
from molediff.training.autoencoding import AutoencoderTask
from molediff.training.clock import Clock
from molediff.training.compiled import CompiledNetwork
from molediff.training.conformers import SampledConformers
from molediff.training.mixture import ExcessLoss, MixtureDataModule
from molediff.training.optimized import OptimizedTask
from molediff.training.pictures import SampledImages
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
    return DiffusionTask(
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
        **optimization,
    )


def build_callbacks(config: DictConfig, data: LightningDataModule) -> tuple[Callback, ...]:
    """What happens beside the training steps."""
    compiled = (CompiledNetwork(),) if config.trainer.compile else ()
    # Last, since what samples after a validation has other shapes, which are not worth a compilation either.
    return (*_sampling(config, data), *compiled)


def _sampling(config: DictConfig, data: LightningDataModule) -> tuple[Callback, ...]:
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
