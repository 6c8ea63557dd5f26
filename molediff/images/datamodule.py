"""Batches of images for training."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from molediff.core.generators import Generators
from molediff.images.dataset import ImageSet, ImageSplits
from molediff.images.digits import load_digits
from molediff.images.pixels import to_model
from molediff.images.sources import load_images
from molediff.networks.autoencoder import Autoencoder
from molediff.networks.labels import Labels
from molediff.networks.pretrained import load_autoencoder
from molediff.sampling.seeds import numbered_generators, numbered_seed
from molediff.training.batches import EndlessBatches, ResumableDataModule, SizeBucketSampler
from molediff.training.devices import Share

ImageBatch = tuple[Tensor, Labels | None, None]
"""Pixels (n, channels, height, width) in [-1, 1], the labels as condition, if there are any, and no mask."""


_Item = tuple[tuple[int, ...], list[int]]


class _Numbered(Sampler[_Item]):
    """Endless batches with their numbers, on which the noise of their grey levels depends."""

    def __init__(self, batches: EndlessBatches) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[_Item]:
        numbers = itertools.count(self.batches.start)
        return (((number,), indices) for number, indices in zip(numbers, self.batches, strict=False))


def _part(item: _Item, share: Share) -> _Item:
    numbers, indices = item
    return (*numbers, share.part), indices[share.first : share.stop]


class _Source(Protocol):
    """What batches are made of."""

    labels: np.ndarray | None

    def __len__(self) -> int: ...

    def draw(self, indices: list[int], generators: Generators) -> Tensor:
        """Data (n, ...) of these images, whose randomness comes from one generator each."""


class _Pixels:
    """Images, dequantized."""

    def __init__(self, images: ImageSet) -> None:
        self.images, self.labels = images, images.labels

    def __len__(self) -> int:
        return len(self.images)

    def draw(self, indices: list[int], generators: Generators) -> Tensor:
        return to_model(self.images.levels[indices], self.images.num_levels, generators)


class _Latents:
    """Latents of images, drawn from the normal distribution that the autoencoder gives each."""

    def __init__(self, images: ImageSet, autoencoder: Autoencoder) -> None:
        self.labels = images.labels
        x = to_model(images.levels, images.num_levels, dequantized=False)
        with torch.no_grad():
            parts = [autoencoder.encode(part) for part in x.split(256)]
        self.mean = torch.cat([mean for mean, _ in parts])
        self.std = torch.cat([torch.exp(0.5 * log_variance) for _, log_variance in parts])

    def __len__(self) -> int:
        return len(self.mean)

    def draw(self, indices: list[int], generators: Generators) -> Tensor:
        noise = generators.normal((len(indices), *self.mean.shape[1:]))
        return self.mean[indices] + self.std[indices] * noise


class _Training:
    """Batches to train on; the randomness of batch k is a function of the seed and of k."""

    def __init__(self, source: _Source, seed: int) -> None:
        self.source, self.seed = source, seed

    def batch(self, item: _Item) -> ImageBatch:
        numbers, indices = item
        seed = numbered_seed(self.seed, *numbers, key=b"batch")
        return _batch(self.source, indices, numbered_generators(seed, range(len(indices))))


class _HeldOut:
    """Batches to validate on; the randomness of image i is a function of i."""

    def __init__(self, source: _Source) -> None:
        self.source = source

    def batch(self, indices: list[int]) -> ImageBatch:
        return _batch(self.source, indices, numbered_generators(0, indices))


def _batch(source: _Source, indices: list[int], generators: Generators) -> ImageBatch:
    labels = None if source.labels is None else Labels(torch.from_numpy(source.labels[indices]))
    return source.draw(indices, generators), labels, None


class ImageDataModule(ResumableDataModule):
    """Images to train and to validate on.

    Args:
        splits: the images; those for tests are not touched.
        source: what they are, for the record: "digits", or the path of a folder.
        batch_size: images a batch.
        num_workers: processes that prepare batches; 0 prepares them in the training process.
        seed: of the order of the batches and of the noise of the grey levels.
    """

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

    def source_of(self, images: ImageSet) -> _Source:
        """What batches of these images are made of."""
        return _Pixels(images)

    def scale(self) -> float:
        """Root mean square of the training data."""
        source = self.source_of(self.splits.train)
        generators = numbered_generators(0, range(len(source)))
        return float(source.draw(list(range(len(source))), generators).square().mean().sqrt())

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        source = self.source_of(self.splits.train)
        batches = EndlessBatches(np.zeros(len(source)), self.batch_size, self.seed, self.start)
        return self.training_loader(
            _Training(source, self.seed), _Numbered(batches), size=lambda item: len(item[1]), cut=_part
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """The held-out images in their order."""
        source = self.source_of(self.splits.val)
        batches = SizeBucketSampler(np.zeros(len(source)), 2 * self.batch_size, shuffle=False)
        return self.loader(_HeldOut(source), batches)


class LatentDataModule(ImageDataModule):
    """Latents of the images of another data module, to train and to validate on.

    Args:
        images: where the images come from; its batch size, workers and seed are used.
        autoencoder: weights file of the autoencoder that makes the latents.
    """

    def __init__(self, images: ImageDataModule, autoencoder: str) -> None:
        super().__init__(
            images.splits, images.split["source"], images.batch_size, images.num_workers, images.seed
        )
        self.autoencoder = load_autoencoder(autoencoder).eval()

    def source_of(self, images: ImageSet) -> _Source:
        """What batches of latents of these images are made of."""
        return _Latents(images, self.autoencoder)


def digits_datamodule(
    size: int = 8, batch_size: int = 128, num_workers: int = 0, seed: int = 0
) -> ImageDataModule:
    """scikit-learn's digits, as they are (8 x 8) or enlarged."""
    return ImageDataModule(load_digits(size), "digits", batch_size, num_workers, seed)


def images_datamodule(
    path: str,
    size: int = 32,
    channels: int = 1,
    batch_size: int = 64,
    num_workers: int = 0,
    seed: int = 0,
) -> ImageDataModule:
    """Your own images: a folder of PNG or JPEG files, IDX files, or CIFAR-10's batches; see `sources.load_images`."""
    return ImageDataModule(load_images(path, size, channels), path, batch_size, num_workers, seed)
