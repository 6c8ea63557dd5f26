"""A folder of PNG and JPEG images; its subfolders are classes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from molediff.images.crop import square
from molediff.images.dataset import ImageSet, ImageSplits
from molediff.runtime.words import counted

SUFFIXES = (".png", ".jpg", ".jpeg")


def load_folder(path: str | Path, size: int, channels: int) -> ImageSplits:
    """Read a folder of images; a tenth is for validation and a tenth for tests, chosen by what is on them.

    Args:
        path: the folder. If it has subfolders with images, each is a class and what lies outside of them is skipped.
        size: height and width that the middle square of each image is resized to.
        channels: 1 for grey, 3 for RGB, whatever the files are.

    Returns:
        The images; files that could not be read are listed in `skipped`.

    Raises:
        ValueError: fewer than three images can be read.
    """
    path = Path(path)
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    names = tuple(sorted({file.relative_to(path).parts[0] for file in files if file.parent != path}))
    levels, labels, skipped = [], [], []
    for file in files:
        name = file.relative_to(path)
        if names and file.parent == path:
            skipped.append(f"{name}: not in the folder of a class")
            continue
        try:
            with Image.open(file) as picture:
                levels.append(square(picture, size, channels))
        except (
            OSError,
            ValueError,
            SyntaxError,
            Image.DecompressionBombError,
        ) as error:  # all that Pillow raises
            skipped.append(f"{name}: {error}")
            continue
        labels.append(names.index(name.parts[0]) if names else 0)
    if len(levels) < 3:
        example = f" (the first: {skipped[0]})" if skipped else ""
        raise ValueError(
            f"{path} has {len(levels)} images that can be read, {len(skipped)} were skipped{example}: "
            "give a folder of at least 3 PNG or JPEG files"
        )
    images = ImageSet(np.stack(levels), np.array(labels) if names else None, class_names=names)
    train, val, test = _split_by_content(images)
    description = (
        f"{path}: {len(train)} train, {len(val)} val, {len(test)} test by hash of the pixels, "
        f"{counted(len(names), 'class', 'classes')}, {counted(len(skipped), 'file')} skipped"
    )
    return ImageSplits(train, val, test, description, tuple(skipped))


def _split_by_content(images: ImageSet) -> tuple[ImageSet, ImageSet, ImageSet]:
    """In the order of the hashes of the pixels: copies of an image come next to each other, and so into one part."""
    order = np.array(
        sorted(range(len(images)), key=lambda i: hashlib.sha256(images.levels[i].tobytes()).digest())
    )
    tenth = max(1, len(order) // 10)
    val, test, train = np.split(order, [tenth, 2 * tenth])
    # The test images stay in this order, in which classes are mixed: reports look at the first of them.
    return images.subset(np.sort(train)), images.subset(np.sort(val)), images.subset(test)
