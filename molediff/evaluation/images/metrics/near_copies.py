"""Memorization: how near samples come to the training data, against how near real data come."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

_MOST_DISTANCES = 2**24  # at a time, 128 MB: between all training images of MNIST they would be 23 GB


class Nearest(NamedTuple):
    """The nearest training image of each of n images."""

    number: np.ndarray
    """Which it is, shape (n,)."""

    distance: np.ndarray
    """Root mean square difference of the pixels, shape (n,)."""


def nearest_training(images: np.ndarray, training: np.ndarray) -> Nearest:
    """The nearest training image of each image.

    Args:
        images: shape (n, ...).
        training: shape (m, ...), pixels in the same unit.
    """
    parts = [_nearest(_distances(images[rows], training)) for rows in _parts(len(images), len(training))]
    return Nearest(*map(np.concatenate, zip(*parts, strict=True)))


def copy_threshold(training: np.ndarray, share: float = 0.05) -> float:
    """Distance below which an image counts as a near-copy: only this share of the training images has another training
    image so near."""
    least = []
    for rows in _parts(len(training), len(training)):
        distance = _distances(training[rows], training)
        distance[np.arange(len(distance)), np.arange(rows.start, rows.start + len(distance))] = np.inf
        least.append(distance.min(1))
    return float(np.quantile(np.concatenate(least), share))


def near_copies(images: np.ndarray, training: np.ndarray, threshold: float) -> float:
    """Share of the images that lie nearer than `threshold` to a training image."""
    return float((nearest_training(images, training).distance < threshold).mean())


def _parts(num: int, num_others: int) -> list[slice]:
    """Rows of a table of distances, some at a time, so that memory does not grow with the product of both."""
    step = max(1, _MOST_DISTANCES // num_others)
    return [slice(start, start + step) for start in range(0, max(num, 1), step)]


def _nearest(distance: np.ndarray) -> Nearest:
    number = distance.argmin(1)
    return Nearest(number, distance[np.arange(len(number)), number])


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    pixels = np.prod(a.shape[1:])
    return np.asarray(cdist(a.reshape(len(a), -1), b.reshape(len(b), -1)) / np.sqrt(pixels))
