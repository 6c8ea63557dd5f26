"""Batches of configurations of a particle system for training: endless and resumable."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from molediff.particles.datasets import load_samples
from molediff.training.batches import EndlessBatches, ResumableDataModule, SizeBucketSampler


class Configurations:
    """Configurations of one system, from which batches are made.

    Args:
        positions: centred, in the unit of the system, shape (n, N, d).
    """

    def __init__(self, positions: np.ndarray) -> None:
        self.positions = torch.from_numpy(np.ascontiguousarray(positions, dtype=np.float32))

    def __len__(self) -> int:
        return len(self.positions)

    def batch(self, indices: Any) -> tuple[Tensor, None, None]:
        """Positions (len(indices), N, d), no condition and no mask: particles are alike and equal in number."""
        return self.positions[torch.as_tensor(indices)], None, None


class ParticleDataModule(ResumableDataModule):
    """Configurations to train and to validate on.

    Args:
        train: positions (n, N, d) to train on, in the unit of the system.
        val: held-out positions.
        batch_size: configurations a batch.
        num_workers: processes that prepare batches; 0 prepares them in the training process.
        seed: of the order of the batches.
        split: what was held out and how, for the record.

    Raises:
        ValueError: there is nothing to train or to validate on, or a position is not finite.
    """

    def __init__(
        self,
        train: np.ndarray,
        val: np.ndarray,
        batch_size: int = 128,
        num_workers: int = 0,
        seed: int = 0,
        split: str = "",
    ) -> None:
        super().__init__(batch_size, num_workers, seed)
        for name, positions in (("train", train), ("val", val)):
            if positions.ndim != 3 or not len(positions):
                raise ValueError(f"{name} must be positions (n, N, d), n at least 1; got {positions.shape}.")
            if not np.isfinite(positions).all():
                raise ValueError(f"{name} holds positions that are not finite: draw the samples anew.")
        self.train = Configurations(train)
        self.val = Configurations(val)
        self.split = split

    def scale(self) -> float:
        """Standard deviation of the training coordinates about the centre of each configuration."""
        positions = self.train.positions.double()
        return float((positions - positions.mean(1, keepdim=True)).square().mean().sqrt())

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        sizes = np.zeros(len(self.train), dtype=np.int64)
        batches = EndlessBatches(sizes, self.batch_size, self.seed, self.start)
        return self.training_loader(self.train, batches)

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of the held-out configurations in their order."""
        sizes = np.zeros(len(self.val), dtype=np.int64)
        return self.loader(self.val, SizeBucketSampler(sizes, self.batch_size, shuffle=False))


def particle_datamodule(
    system: str,
    root: str = "data",
    batch_size: int = 128,
    num_validation: int = 1000,
    num_workers: int = 0,
    seed: int = 0,
) -> ParticleDataModule:
    """Monte Carlo samples of a system, drawn at the first use; test and reference samples are not touched.

    Args:
        system: "dw4", "lj13" or "lj55".
        root: folder of the cache.
        batch_size: configurations a batch.
        num_validation: the first of the validation samples, for the validation loss.
        num_workers: processes that prepare batches.
        seed: of the order of the batches.
    """
    samples = load_samples(system, root=root)
    val = samples.validation[:num_validation]
    split = f"{len(samples.train)} Monte Carlo samples of {system}"
    return ParticleDataModule(samples.train, val, batch_size, num_workers, seed, split)
