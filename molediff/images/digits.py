"""scikit-learn's handwritten digits: 1,797 real images of 8 x 8 pixels and 17 grey levels, which need no download."""

from __future__ import annotations

import numpy as np
from PIL import Image

from molediff.images.dataset import ImageSet, ImageSplits, split_evenly
from molediff.runtime.extras import require

SIZE, NUM_LEVELS = 8, 17
NUM_VAL, NUM_TEST = 200, 400


def load_digits(size: int = SIZE) -> ImageSplits:
    """The digits, split into 1,197 to train on, 200 to choose by and 400 for tests; the same whatever the size.

    Args:
        size: 8 for the images as they are, 17 grey levels; above for images enlarged by bicubic interpolation, 256.

    Raises:
        ValueError: `size` is below 8.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
    """
    if size < SIZE:
        raise ValueError(
            f"the digits have {SIZE} x {SIZE} pixels, size={size} would lose some: give {SIZE} or more"
        )
    require("sklearn", "The set of handwritten digits")
    from sklearn import datasets  # here: training on other data does without it

    digits = datasets.load_digits()
    levels, num_levels = digits.images.astype(np.uint8), NUM_LEVELS
    if size != SIZE:
        levels, num_levels = np.stack([_enlarged(image, size) for image in levels]), 256
    names = tuple(str(digit) for digit in range(10))
    images = ImageSet(levels[..., None], digits.target.astype(np.int64), num_levels, names)
    train, val, test = split_evenly(images, NUM_VAL, NUM_TEST)
    enlarged = "" if size == SIZE else f" enlarged to {size} x {size}"
    description = (
        f"scikit-learn's digits{enlarged}, {len(train)} train, {len(val)} val, {len(test)} test, stratified"
    )
    return ImageSplits(train, val, test, description)


def _enlarged(levels: np.ndarray, size: int) -> np.ndarray:
    """uint8 (8, 8) in 0 ... 16 -> uint8 (size, size) in 0 ... 255."""
    grey = np.round(levels * (255 / (NUM_LEVELS - 1))).astype(np.uint8)
    return np.asarray(Image.fromarray(grey).resize((size, size), Image.Resampling.BICUBIC))
