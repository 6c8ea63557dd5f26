"""CIFAR-10's binary batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from molediff.images.crop import squares
from molediff.images.dataset import ImageSet, ImageSplits, split_evenly

SIZE = 32
RECORD = 1 + 3 * SIZE * SIZE  # label, then the red, green and blue planes
CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load_cifar10(folder: str | Path, size: int = SIZE, channels: int = 3) -> ImageSplits:
    """CIFAR-10 from data_batch_*.bin and test_batch.bin; a tenth of the training images is for validation.

    Without test_batch.bin another tenth is for tests.

    Raises:
        ValueError: there are no batches, or one is damaged.

    Source: A. Krizhevsky, The CIFAR-10 dataset, "binary version".
    """
    folder = Path(folder)
    files = sorted(folder.glob("data_batch_*.bin"))
    if not files:
        raise ValueError(f"{folder} has no data_batch_1.bin: give the folder of CIFAR-10's binary version")
    train = _read(files, size, channels)
    tests = (
        _read([folder / "test_batch.bin"], size, channels) if (folder / "test_batch.bin").exists() else None
    )
    tenth = max(1, len(train) // 10)
    train, val, rest = split_evenly(train, tenth, 0 if tests is not None else tenth)
    test = rest if tests is None else tests
    description = f"{folder}: CIFAR-10, {len(train)} train, {len(val)} val, {len(test)} test"
    return ImageSplits(train, val, test, description)


def _read(files: list[Path], size: int, channels: int) -> ImageSet:
    records = []
    for file in files:
        data = np.frombuffer(file.read_bytes(), dtype=np.uint8)
        if not len(data) or len(data) % RECORD:
            raise ValueError(
                f"{file} is damaged: {len(data)} bytes are not records of {RECORD} bytes; get it again"
            )
        records.append(data.reshape(-1, RECORD))
    data = np.concatenate(records)
    labels = data[:, 0].astype(np.int64)
    if labels.max() >= len(CLASS_NAMES):
        raise ValueError(
            f"{files[0].parent} has a label {labels.max()}, CIFAR-10 has 0 to 9: are these its files?"
        )
    levels = data[:, 1:].reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1)
    return ImageSet(squares(levels, size, channels), labels, class_names=CLASS_NAMES)
