"""What a model of images can do, as pictures for the report and the documentation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from molediff.evaluation.images.grid import grid
from molediff.evaluation.images.metrics.near_copies import Nearest
from molediff.images.generator import ImageGenerator

UNKNOWN = 0.4
"""Grey of a pixel that is to be filled in."""


def class_rows(
    generator: ImageGenerator, num_columns: int, guidance: float, seed: int, num_steps: int
) -> Image.Image:
    """One row of images for every class."""
    labels = np.repeat(np.arange(generator.model.num_classes), num_columns)
    images = generator.generate(len(labels), label=labels, guidance=guidance, seed=seed, num_steps=num_steps)
    return grid(images, num_columns)


def guidance_rows(
    generator: ImageGenerator, scales: Sequence[float], num_columns: int, seed: int, num_steps: int
) -> Image.Image:
    """One row for every guidance scale; the noise and the class are the same all down a column."""
    labels = np.arange(num_columns) * generator.model.num_classes // num_columns
    rows = [
        generator.generate(num_columns, label=labels, guidance=scale, seed=seed, num_steps=num_steps)
        for scale in scales
    ]
    return grid(np.concatenate(rows), num_columns)


def inpainting_rows(
    generator: ImageGenerator, images: np.ndarray, num_fillings: int, seed: int, num_steps: int
) -> Image.Image:
    """In each row an image, what is left of it, and fillings without a label: first the lower half is gone, then the
    right one."""
    num, size = len(images), images.shape[1]
    known = np.ones((num, size, size), dtype=bool)
    known[: num // 2, size // 2 :] = False
    known[num // 2 :, :, size // 2 :] = False
    holes = np.where(known[..., None], images, UNKNOWN)
    many, masks = (np.repeat(array, num_fillings, axis=0) for array in (images, known))
    filled = generator.inpaint(many, masks, seed=seed, num_steps=num_steps)
    filled = filled.reshape(num, num_fillings, *images.shape[1:])
    rows = np.concatenate([images[:, None], holes[:, None], filled], axis=1)
    return grid(rows.reshape(-1, *images.shape[1:]).astype(np.float32), num_fillings + 2)


def interpolation_rows(
    generator: ImageGenerator, images: np.ndarray, num_columns: int, seed: int, num_steps: int
) -> Image.Image:
    """In each row the way from one image to the next, both real."""
    rows = [
        generator.interpolate(a, b, num_columns, seed=seed, num_steps=num_steps)
        for a, b in zip(images[::2], images[1::2], strict=True)
    ]
    return grid(np.concatenate(rows), num_columns)


def nearest_pairs(samples: np.ndarray, training: np.ndarray, nearest: Nearest, num_pairs: int) -> Image.Image:
    """The samples that come nearest to a training image above, that image below."""
    chosen = np.argsort(nearest.distance)[:num_pairs]
    return grid(np.concatenate([samples[chosen], training[nearest.number[chosen]]]), num_pairs)


def one_of_each(images: np.ndarray, labels: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """The first image of each of these classes; a class named again gives its next one."""
    places = []
    for position, label in enumerate(classes):
        again = list(classes[:position]).count(label)
        places.append(np.flatnonzero(labels == label)[again])
    return images[places]
