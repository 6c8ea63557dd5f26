"""IDX files, the format of MNIST and Fashion-MNIST."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from molediff.images.crop import squares
from molediff.images.dataset import ImageSet, ImageSplits, split_evenly

UNSIGNED_BYTE = 8


def read_idx(path: str | Path) -> np.ndarray:
    """The uint8 array of an IDX file, gzipped or not.

    Raises:
        ValueError: it is not an IDX file of bytes, or cut short.

    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database, "file format".
    """
    path = Path(path)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be unpacked ({error}): get the file again") from None
    if len(data) < 4 or data[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise ValueError(f"{path} is not an IDX file of bytes (it begins with {data[:4].hex(' ')})")
    header = 4 + 4 * data[3]
    shape = tuple(np.frombuffer(data[4:header], dtype=">u4").tolist())
    if len(shape) != data[3] or len(data) - header != math.prod(shape):
        raise ValueError(
            f"{path} is damaged: {len(data)} bytes do not hold an array of {shape}; get it again"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)


def find_idx(folder: Path, part: str, kind: str) -> Path | None:
    """The IDX file of "train" or "t10k" and "images" or "labels" in a folder; None if it is not there."""
    return next((file for file in sorted(folder.glob(f"{part}-{kind}*ubyte*")) if file.is_file()), None)


def load_idx(folder: str | Path, size: int, channels: int) -> ImageSplits:
    """MNIST-like files: train-images-idx3-ubyte, train-labels-idx1-ubyte, and t10k-... for tests, .gz or not.

    A tenth of the training images is for validation. Without t10k-images another tenth is for tests.

    Raises:
        ValueError: a file is damaged, or images and labels are not equally many.
    """
    folder = Path(folder)
    train = _read_part(folder, "train", size, channels)
    if train is None:
        raise ValueError(f"{folder} has no train-images-idx3-ubyte: give the folder of the IDX files")
    test = _read_part(folder, "t10k", size, channels)
    tenth = max(1, len(train) // 10)
    train, val, rest = split_evenly(train, tenth, 0 if test is not None else tenth)
    test = rest if test is None else test
    description = f"{folder}: {len(train)} train, {len(val)} val, {len(test)} test from IDX files"
    return ImageSplits(train, val, test, description)


def _read_part(folder: Path, part: str, size: int, channels: int) -> ImageSet | None:
    images_file, labels_file = find_idx(folder, part, "images"), find_idx(folder, part, "labels")
    if images_file is None:
        return None
    levels = read_idx(images_file)
    if levels.ndim != 3 or not levels.size:
        raise ValueError(
            f"{images_file} holds an array of {levels.shape}, expected images (n, height, width)"
        )
    levels = squares(levels[..., None], size, channels)
    if labels_file is None:
        return ImageSet(levels)
    labels = read_idx(labels_file).astype(np.int64)
    if labels.shape != (len(levels),):
        raise ValueError(f"{labels_file} has labels of shape {labels.shape} for {len(levels)} images")
    return ImageSet(levels, labels, class_names=tuple(map(str, range(int(labels.max()) + 1))))
