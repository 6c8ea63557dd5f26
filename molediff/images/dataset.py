"""Images with labels in memory, and how they are split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from molediff.runtime.words import counted


@dataclass(frozen=True)
class ImageSet:
    """Square images of one size.

    Attributes:
        levels: grey levels, uint8 in 0 ... num_levels - 1, shape (n, height, width, channels).
        labels: number of the class of each image, int64, shape (n,); None without classes.
        num_levels: grey levels that there are: 256, or 17 for scikit-learn's digits.
        class_names: name of each class; empty without classes.
    """

    levels: np.ndarray
    labels: np.ndarray | None = None
    num_levels: int = 256
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def images(self) -> np.ndarray:
        """The images as float32 in [0, 1], shape (n, height, width, channels)."""
        return self.levels.astype(np.float32) / (self.num_levels - 1)

    @property
    def size(self) -> int:
        """Height and width."""
        return int(self.levels.shape[1])

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for RGB."""
        return int(self.levels.shape[3])

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 without labels."""
        return len(self.class_names)

    def subset(self, indices: Any) -> ImageSet:
        """The images of these indices."""
        labels = None if self.labels is None else self.labels[indices]
        return ImageSet(self.levels[indices], labels, self.num_levels, self.class_names)


@dataclass(frozen=True)
class ImageSplits:
    """Images to train on, to choose by, and to report on.

    Attributes:
        train: images that weights are fitted to.
        val: images that settings are chosen by.
        test: images that enter neither.
        description: what they are and how they were split, for the record.
        skipped: "name: reason" of each file that is not among them.
    """

    train: ImageSet
    val: ImageSet
    test: ImageSet
    description: str
    skipped: tuple[str, ...] = field(default=())


def split_evenly(images: ImageSet, num_val: int, num_test: int) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Split into training, validation and test images with the same mixture of classes; the same split every time.

    Args:
        images: at least `num_val + num_test + 1` images.
        num_val, num_test: sizes of the two smaller parts; the rest is for training.

    Raises:
        ValueError: nothing is left to train on.
    """
    num = len(images)
    if num <= num_val + num_test:
        raise ValueError(
            f"{counted(num, 'image')} cannot give {num_val} for validation, {num_test} for tests and any for training: "
            "give more images"
        )
    generator = np.random.default_rng(0)
    order = generator.permutation(num)
    if images.labels is not None:
        # Place k of m of its class has the key (k + 1/2) / m: in the order of the keys the classes alternate evenly.
        labels = images.labels[order]
        keys = np.empty(num)
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            keys[members] = (np.arange(len(members)) + 0.5) / len(members)
        order = order[np.argsort(keys, kind="stable")]
    val, test, train = np.split(order, [num_val, num_val + num_test])
    return images.subset(np.sort(train)), images.subset(np.sort(val)), images.subset(np.sort(test))
