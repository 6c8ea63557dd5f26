"""Endless, seeded and resumable batches for training, the same for molecules, particles and images."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import DataLoader, Dataset, Sampler

from molediff.training.devices import Share, SharedBatches
from molediff.training.draw import Batch


class SizeBucketSampler(Sampler[list[int]]):
    """Batches of samples of equal size (molecules of equal numbers of atoms, or all of one size): nothing is padded.

    Every index comes once a pass; the last batch of each size may be smaller. With `shuffle`, samples are shuffled
    within their size and batches among each other, by `seed` and the number of the pass alone.

    Args:
        sizes: size of each sample, shape (n,).
        batch_size: samples a batch.
        seed: of the order.
        shuffle: False for the plain order, sizes ascending.
    """

    def __init__(
        self, sizes: Sequence[int] | np.ndarray, batch_size: int, seed: int = 0, shuffle: bool = True
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
        all_sizes = np.asarray(sizes)
        self._buckets = [np.flatnonzero(all_sizes == size) for size in np.unique(all_sizes)]
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self._num_passes = 0

    def __len__(self) -> int:
        return sum(-(-len(bucket) // self.batch_size) for bucket in self._buckets)

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng((self.seed, self._num_passes))
        self._num_passes += 1
        batches = []
        for bucket in self._buckets:
            order = generator.permutation(bucket) if self.shuffle else bucket
            batches += [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        places = generator.permutation(len(batches)) if self.shuffle else range(len(batches))
        for place in places:
            yield batches[place].tolist()


class EndlessBatches(Sampler[list[int]]):
    """Lists of indices of samples of equal size, pass after pass; the order is a function of the seed alone.

    Args:
        sizes: size of each sample, shape (n,): its number of atoms, or all alike.
        batch_size: samples a batch.
        seed: of the order.
        start: number of batches to leave out at the beginning, for a run that goes on.
    """

    def __init__(self, sizes: Any, batch_size: int, seed: int = 0, start: int = 0) -> None:
        self.sizes = sizes
        self.batch_size = batch_size
        self.seed = seed
        self.start = start

    def __iter__(self) -> Iterator[list[int]]:
        sampler = SizeBucketSampler(self.sizes, self.batch_size, self.seed)
        if not len(sampler):
            raise ValueError("there is no sample to train on")
        # Passes differ, and each is a function of the seed and its number: those that are over are gone through again.
        yield from itertools.islice(
            itertools.chain.from_iterable(itertools.repeat(sampler)), self.start, None
        )


class BatchSource(Protocol):
    """Samples from which a batch is made at once, faster than of single samples put together."""

    def batch(self, indices: Any, /) -> Batch:
        """The batch of these samples."""


class _Batched(Dataset[Batch]):
    """A data set whose items are batches: item [3, 5, 8] is the batch of these three samples."""

    def __init__(self, source: BatchSource) -> None:
        self.source = source

    def __getitem__(self, indices: Any) -> Batch:
        return self.source.batch(indices)


def _as_is(batch: Any) -> Any:
    return batch


class ResumableDataModule(pl.LightningDataModule):
    """What data modules share: loaders of batches, their parts where several processes train, and where a run goes on.

    Args:
        batch_size: samples a batch.
        num_workers: processes that prepare batches; 0 prepares them in the training process.
        seed: of the order of the batches.
    """

    def __init__(self, batch_size: int, num_workers: int = 0, seed: int = 0) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.start = 0
        self.shares: deque[Share] = deque()

    def training_loader(self, source: BatchSource, batches: Any, **how: Any) -> DataLoader[Any]:
        """A loader of the parts that this process takes of `batches`, which are the same in every process.

        Args:
            source: makes a batch.
            batches: lists of indices.
            **how: for other items, `size` and `cut` of `SharedBatches`.
        """
        trainer = self.trainer
        if trainer is None or trainer.world_size * trainer.accumulate_grad_batches == 1:
            return self.loader(source, batches)
        self.shares = deque()
        parts = trainer.accumulate_grad_batches
        shared = SharedBatches(batches, trainer.global_rank, trainer.world_size, parts, self.shares, **how)
        return self.loader(source, shared)

    def loader(self, source: BatchSource, batches: Any) -> DataLoader[Any]:
        """A loader of `source.batch(item)` for each item of `batches`."""
        return DataLoader(
            _Batched(source),
            batch_size=None,
            sampler=batches,
            collate_fn=_as_is,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def state_dict(self) -> dict[str, int]:
        """Number of batches trained on, which tells where to go on."""
        assert self.trainer is not None
        return {"num_batches": self.trainer.global_step}  # whole ones, in however many parts

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on where the checkpoint was written."""
        self.start = int(state_dict["num_batches"])
