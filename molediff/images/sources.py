"""Images of the user's own, in any of the forms that are read."""

from __future__ import annotations

from pathlib import Path

from molediff.images.cifar import load_cifar10
from molediff.images.crop import check_square
from molediff.images.dataset import ImageSplits
from molediff.images.folder import load_folder
from molediff.images.idx import find_idx, load_idx


def load_images(path: str | Path, size: int = 32, channels: int = 1) -> ImageSplits:
    """Read the images in a folder: PNG or JPEG files, MNIST-like IDX files, or CIFAR-10's binary batches.

    Args:
        path: the folder.
        size: height and width of the images, 16, 28, 32 or 64; others are cropped to a square and resized.
        channels: 1 for grey, 3 for RGB.

    Raises:
        ValueError: there is no such folder, nothing in it that can be read, or a data file is damaged.
    """
    check_square(size, channels)
    folder = Path(path)
    if not folder.is_dir():
        raise ValueError(
            f"there is no folder {folder}: give a folder of images, of IDX files or of CIFAR-10's batches"
        )
    if find_idx(folder, "train", "images") is not None:
        return load_idx(folder, size, channels)
    if any(folder.glob("data_batch_*.bin")):
        return load_cifar10(folder, size, channels)
    return load_folder(folder, size, channels)
