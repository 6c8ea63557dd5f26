"""Memorization: how near samples come to the training data, against how near real data come."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist


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
    distance = _distances(images, training)
    number = distance.argmin(1)
    return Nearest(number, distance[np.arange(len(number)), number])


def copy_threshold(training: np.ndarray, share: float = 0.05) -> float:
    """Distance below which an image counts as a near-copy: only this share of the training images has another training
    image so near."""
    distance = _distances(training, training)
    np.fill_diagonal(distance, np.inf)
    return float(np.quantile(distance.min(1), share))


def near_copies(images: np.ndarray, training: np.ndarray, threshold: float) -> float:
    """Share of the images that lie nearer than `threshold` to a training image."""
    return float((nearest_training(images, training).distance < threshold).mean())


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    pixels = np.prod(a.shape[1:])
    return np.asarray(cdist(a.reshape(len(a), -1), b.reshape(len(b), -1)) / np.sqrt(pixels))
