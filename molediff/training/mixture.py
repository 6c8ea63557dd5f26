"""Training on a mixture of normals, whose best denoiser is known: what a network lacks is then seen by itself.

The loss of a network is that of the best denoiser, which no training can lower, plus its own excess: the mean square
distance between the two. In a real domain the first hides the second.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch.utils.data import DataLoader, Sampler

from molediff.core.exact.mixture import Mixture, islands
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.target import Sample, V, convert
from molediff.sampling.seeds import numbered_generator
from molediff.training.batches import ResumableDataModule
from molediff.training.callbacks import averaged_weights, task_of
from molediff.training.draw import Batch

BANDS: dict[str, tuple[float, float]] = {"low_noise": (0.0, 5.0), "high_noise": (-5.0, 0.0)}
"""Ranges of lambda in which the excess is given: beyond, data are solid or vapour, and there is nothing to learn."""


class _Numbers(Sampler[int]):
    """The numbers of all batches from `start` on."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        return itertools.count(self.start)


class _Batches:
    """Batch k of a mixture is a function of the seed and of k alone.

    Args:
        data: the mixture.
        size: samples a batch.
        seed: of the samples.
        outlier_share: share of the batches that hold one sample gone wrong.
        outlier_factor: what such a sample is multiplied by.
    """

    def __init__(
        self, data: Mixture, size: int, seed: int, outlier_share: float = 0.0, outlier_factor: float = 1.0
    ) -> None:
        self.data, self.size, self.seed = data, size, seed
        self.outlier_share, self.outlier_factor = outlier_share, outlier_factor

    def batch(self, number: int) -> Batch:
        """Samples (size, d) of batch `number`, without a condition."""
        generator = numbered_generator(self.seed, number, key=b"batch")
        x_0 = self.data.sample(self.size, None, generator).float()
        if torch.rand(1, generator=generator) < self.outlier_share:
            x_0[0] *= self.outlier_factor
        return x_0, None, None


class MixtureDataModule(ResumableDataModule):
    """Endless fresh samples of five islands in two dimensions (`core.exact.islands`).

    Args:
        batch_size: samples a batch.
        num_validation: samples of the validation loss.
        seed: of the samples.
        outlier_share: share of the training batches that hold one sample gone wrong.
        outlier_factor: what such a sample is multiplied by.
    """

    reference_mols = ()
    split = "fresh samples in every batch"

    def __init__(
        self,
        batch_size: int = 128,
        num_validation: int = 1024,
        seed: int = 0,
        outlier_share: float = 0.0,
        outlier_factor: float = 30.0,
    ) -> None:
        super().__init__(batch_size, seed=seed)
        if not 0 <= outlier_share <= 1:
            raise ValueError(f"outlier_share is a share of the batches, in [0, 1]; got {outlier_share}.")
        self.data = islands(CosineVP())
        self.num_validation = num_validation
        self.outlier_share = outlier_share
        self.outlier_factor = outlier_factor

    def scale(self) -> float:
        """Standard deviation of the data."""
        return float(self.data.moments(None)[1].diagonal().mean().sqrt())

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        batches = _Batches(self.data, self.batch_size, self.seed, self.outlier_share, self.outlier_factor)
        return self.loader(batches, _Numbers(self.start))

    def val_dataloader(self) -> DataLoader[Any]:
        """One batch, the same in every run."""
        return self.loader(_Batches(self.data, self.num_validation, seed=-1), [0])


class ExcessLoss(Callback):
    """Measures how far the network is from the best denoiser, at low and at high noise, as training goes on.

    The excess is the mean square of v_network - v_best over samples x_t with lambda uniform in each of `BANDS`: what
    the plain loss of v has above its least value there, without the noise of a difference of two losses.

    Args:
        data: the mixture, in data units.
        every_steps: steps between two measurements.
        num_samples: in each band, the same every time.
        seed: of the samples.

    Attributes:
        rows: of each measurement the step, the excess by band, and the same with the averaged weights.
    """

    def __init__(self, data: Mixture, every_steps: int, num_samples: int = 2048, seed: int = 0) -> None:
        self.data, self.every_steps, self.num_samples, self.seed = data, every_steps, num_samples, seed
        self.rows: list[dict[str, float]] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure and log if it is time."""
        if trainer.global_step % self.every_steps:
            return
        task = task_of(pl_module)
        metrics = {f"val/excess_{name}": value for name, value in self.measure(task.model).items()}
        with averaged_weights(trainer, task):
            averaged = self.measure(task.model)
        metrics.update({f"val/averaged_excess_{name}": value for name, value in averaged.items()})
        self.rows.append({"step": trainer.global_step, **metrics})
        task.last_metrics.update(metrics)
        for logger in trainer.loggers:
            logger.log_metrics(metrics, step=trainer.global_step)

    @torch.no_grad()
    def measure(self, model: DiffusionModel) -> dict[str, float]:
        """Excess of `model`, by band."""
        scale, path = model.scale, model.path
        data = replace(
            self.data, means=self.data.means / scale, covariances=self.data.covariances / scale**2, path=path
        )
        generator = torch.Generator().manual_seed(self.seed)
        excess = {}
        for name, (low, high) in BANDS.items():
            shares = torch.rand(self.num_samples, generator=generator, dtype=torch.float64)
            t = path.t_of_lambda(low + (high - low) * shares)
            x_0 = data.sample(self.num_samples, None, generator)
            eps = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype)
            x_t = path.noised(x_0, eps, t)
            best = convert(data.denoiser(x_t, t), x_t, t, path, Sample(), V())
            pred = model.predict(x_t.float(), t.float()).double()
            found = convert(pred, x_t, t, path, model.target, V())
            excess[name] = float((found - best).square().mean())
        return excess
