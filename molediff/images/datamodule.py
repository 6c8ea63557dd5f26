"""Batches of images for training."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from molediff.batches import EndlessBatches, ResumableDataModule, SizeBucketSampler
from molediff.images.dataset import ImageSet, ImageSplits
from molediff.images.digits import load_digits
from molediff.images.pixels import to_model
from molediff.networks.labels import Labels

ImageBatch = tuple[Tensor, Tensor | None]
"""Pixels (n, channels, height, width) in [-1, 1], and the number of each image's class (n,) or None."""


def unpack_images(batch: ImageBatch) -> tuple[Tensor, Labels | None, None]:
    """(pixels, labels as condition, no mask) of a batch."""
    pixels, index = batch
    return pixels, None if index is None else Labels(index), None


class _Numbered(Sampler[tuple[int, list[int]]]):
    """Endless batches with their numbers, on which the noise of their grey levels depends."""

    def __init__(self, batches: EndlessBatches) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        return zip(itertools.count(self.batches.start), self.batches, strict=False)


class _TrainingImages:
    """Dequantized images; the noise of batch k is a function of the seed and of k."""

    def __init__(self, images: ImageSet, seed: int) -> None:
        self.images, self.seed = images, seed

    def batch(self, item: tuple[int, list[int]]) -> ImageBatch:
        number, indices = item
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        return _batch(self.images, indices, [generator] * len(indices))


class _HeldOutImages:
    """Dequantized images; the noise of image i is a function of i."""

    def __init__(self, images: ImageSet) -> None:
        self.images = images

    def batch(self, indices: list[int]) -> ImageBatch:
        return _batch(self.images, indices, [torch.Generator().manual_seed(i) for i in indices])


def _batch(images: ImageSet, indices: list[int], generators: list[torch.Generator]) -> ImageBatch:
    index = None if images.labels is None else torch.from_numpy(images.labels[indices])
    return to_model(images.levels[indices], images.num_levels, generators), index


class ImageDataModule(ResumableDataModule):
    """Images to train and to validate on.

    Args:
        splits: the images; those for tests are not touched.
        source: what they are, for the record: "digits", or the path of a folder.
        batch_size: images a batch.
        num_workers: processes that prepare batches; 0 prepares them in the training process.
        seed: of the order of the batches and of the noise of the grey levels.
    """

    unpack = staticmethod(unpack_images)

    def __init__(
        self, splits: ImageSplits, source: str, batch_size: int = 128, num_workers: int = 0, seed: int = 0
    ) -> None:
        super().__init__(batch_size, num_workers, seed)
        self.splits = splits
        train = splits.train
        self.split: dict[str, Any] = {
            "source": source,
            "description": splits.description,
            "train": len(train),
            "val": len(splits.val),
            "test": len(splits.test),
            "size": train.size,
            "channels": train.channels,
            "num_levels": train.num_levels,
            "class_names": list(train.class_names),
        }

    def scale(self) -> float:
        """Root mean square of the pixels in [-1, 1]."""
        train = self.splits.train
        return float(to_model(train.levels, train.num_levels, dequantized=False).square().mean().sqrt())

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        train = self.splits.train
        batches = EndlessBatches(np.zeros(len(train)), self.batch_size, self.seed, self.start)
        return self.loader(_TrainingImages(train, self.seed), _Numbered(batches))

    def val_dataloader(self) -> DataLoader[Any]:
        """The held-out images in their order."""
        val = self.splits.val
        batches = SizeBucketSampler(np.zeros(len(val)), 2 * self.batch_size, shuffle=False)
        return self.loader(_HeldOutImages(val), batches)


def digits_datamodule(
    size: int = 8, batch_size: int = 128, num_workers: int = 0, seed: int = 0
) -> ImageDataModule:
    """scikit-learn's digits, as they are (8 x 8) or enlarged."""
    return ImageDataModule(load_digits(size), "digits", batch_size, num_workers, seed)
