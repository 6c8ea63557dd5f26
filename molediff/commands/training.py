"""A training run and its parts, built from configs/train.yaml."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import LightningDataModule, seed_everything
from pytorch_lightning.callbacks import Callback
from torch import nn

from molediff.commands import CONFIGS
from molediff.core.discrete.model import CategoricalModel
from molediff.core.distillation import Teacher
from molediff.core.model import DiffusionModel
from molediff.core.solvers import DDIM, AtLambdas, central_lambda, with_final_denoising
from molediff.evaluation.conformers.during_training import SampledConformers
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.evaluation.images.during_training import SampledImages
from molediff.evaluation.images.grid import grid
from molediff.images.datamodule import ImageDataModule
from molediff.networks.autoencoder import Autoencoder
from molediff.networks.pretrained import find_weights, load_model
from molediff.networks.torsion_prior import TorsionPrior
from molediff.training.autoencoding import AutoencoderTask
from molediff.training.categorical import CategoricalTask
from molediff.training.clock import Clock
from molediff.training.compiled import CompiledNetwork
from molediff.training.distillation import DistillationTask
from molediff.training.mixture import ExcessLoss, MixtureDataModule
from molediff.training.optimized import OptimizedTask
from molediff.training.refinement import RefinementTask
from molediff.training.run import facts_of, load_into
from molediff.training.task import DiffusionTask
from molediff.training.torsions import TorsionPriorTask


class Run(NamedTuple):
    """What `molediff train` trains, on which data, and the facts of the weights that it begins with, if any."""

    task: OptimizedTask
    data: LightningDataModule
    former: dict[str, Any]


def build_run(config: DictConfig) -> Run:
    """All parts that the config names; its `scale` is filled in where it is null."""
    clock = Clock(config.max_steps, config.max_minutes)  # before data take their time
    data = instantiate(config.data)
    warm_start = None if config.warm_start is None else find_weights(config.warm_start)
    former = {} if warm_start is None else facts_of(warm_start)
    if config.scale is None:
        config.scale = former.get("scale") or round(data.scale(), 4)
    seed_everything(config.seed, verbose=False)
    model = build_model(config)
    if warm_start is not None:
        load_into(model, warm_start, config.warm_start_blocks)
    task = build_task(config, model, clock)
    return Run(task, data, former)


def compose_run(words: Sequence[str]) -> tuple[OptimizedTask, LightningDataModule, dict[str, Any]]:
    """What `molediff train` would train with these words, on which data, and all settings."""
    # By the main of a script; not in a process that it started.
    begun = GlobalHydra.instance().is_initialized()
    with nullcontext() if begun else initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose("train", list(words))
    run = build_run(config)
    settings: Any = OmegaConf.to_container(config)
    return run.task, run.data, settings


def run_train(words: Sequence[str], log: Path) -> int:
    """Run `molediff train` with these words, its output appended to `log`; return its exit code."""
    command = [sys.executable, "-m", "molediff", "train", *words]
    with log.open("a", encoding="utf-8") as file:
        return subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode


def build_model(config: DictConfig) -> nn.Module:
    """The untrained model, of the kind that the config's `task` says; `config.scale` must be known."""
    network = instantiate(config.network)
    if config.get("task") in ("autoencoder", "torsions"):
        return network
    if config.get("task") == "categorical":
        return CategoricalModel(network, instantiate(config.path), network.mask_state)
    if config.get("autoencoder"):
        load_into(network.autoencoder, config.autoencoder)
    return DiffusionModel(
        network,
        instantiate(config.path),
        instantiate(config.target),
        instantiate(config.space),
        config.scale,
    )


def build_task(config: DictConfig, model: Any, clock: Clock) -> OptimizedTask:
    """What is trained, and how."""
    settings = config.trainer
    optimization: dict[str, Any] = {
        "optimizer": settings.optimizer,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "schedule": instantiate(settings.schedule),
        "clipping": instantiate(settings.clipping),
        "seed": config.seed,
    }
    if isinstance(model, Autoencoder):
        return AutoencoderTask(model, clock, **optimization)
    if isinstance(model, CategoricalModel):
        return CategoricalTask(
            model, clock, num_validation_draws=settings.num_validation_draws, **optimization
        )
    if isinstance(model, TorsionPrior):
        return TorsionPriorTask(model, clock, **optimization)
    assert isinstance(model, DiffusionModel)
    if config.get("distillation"):
        return DistillationTask(
            model,
            build_teacher(config.distillation),
            instantiate(config.objective),
            clock,
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
        made = {
            name: instantiate(config.refinement.get(name)) for name in ("strain", "potential", "softening")
        }
        kind, more = RefinementTask, {**config.refinement, **made}
        del more["lambdas"], more["lambdas_by_init"]
    return kind(
        model,
        instantiate(config.objective),
        clock,
        instantiate(config.coupling),
        num_draws=settings.num_draws,
        drop_probability=settings.drop_probability,
        output_clipping=instantiate(settings.output_clipping),
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
    if not settings.sample_minutes or config.get("task") in ("autoencoder", "torsions"):
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
