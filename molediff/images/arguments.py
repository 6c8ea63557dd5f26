"""What can be asked of the image generator, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from molediff.runtime.checks import is_number, is_whole_number
from molediff.runtime.words import counted

Label = int | str | None
"""Class number, class name, or None: no class."""
Labelling = Label | Sequence[Label] | np.ndarray
"""One label for all images, or one for each."""


def class_indices(
    label: Labelling, num_images: int, num_classes: int, class_names: Sequence[str]
) -> np.ndarray:
    """Class number of each image, shape (num_images,) int64; -1 for no class.

    Args:
        label: one for all images, or one an image.
        num_images: number of images.
        num_classes: that the weights know; 0 for weights trained without labels.
        class_names: their names.

    Raises:
        ValueError: there is no such class, or not one label an image.
    """
    several = isinstance(label, Sequence) and not isinstance(label, str | bytes)
    labels: list[Any] = list(label) if several else [label] * num_images  # type: ignore[arg-type]
    if isinstance(label, np.ndarray | Tensor):
        if label.ndim != 1:
            raise ValueError(
                f"label must be one number or name, or a list or array with one for each image; got {label!r}."
            )
        labels = label.tolist()
    if len(labels) != num_images:
        raise ValueError(
            f"label has {counted(len(labels), 'entry', 'entries')} for {counted(num_images, 'image')}: "
            "give one label, or one for each image."
        )
    return np.array([_class_index(one, num_classes, class_names) for one in labels], dtype=np.int64)


def _class_index(label: Any, num_classes: int, class_names: Sequence[str]) -> int:
    if label is None:
        return -1
    if num_classes == 0:
        raise ValueError(
            f"These weights were trained without labels, so that label must be None; got {label!r}."
        )
    if isinstance(label, str) and label in class_names:
        return list(class_names).index(label)
    if not is_whole_number(label) or not 0 <= label < num_classes:
        names = f", the names {', '.join(map(repr, class_names))}" if class_names else ""
        raise ValueError(f"label must be None, 0 to {num_classes - 1}{names}; got {label!r}.")
    return int(label)


def check_guidance(guidance: Any, classes: np.ndarray, num_classes: int) -> None:
    """Raise a ValueError unless a guidance scale means something for these `classes`."""
    if not is_number(guidance) or not -1 <= guidance < float("inf"):
        raise ValueError(
            "guidance must be a number of at least -1 (-1 ignores the label, 0 is the conditional model, more "
            f"sharpens the label); got {guidance!r}."
        )
    if guidance == 0:
        return
    if num_classes == 0:
        raise ValueError(
            f"guidance={guidance}, but these weights were trained without labels: leave it at 0."
        )
    if (classes < 0).any():
        raise ValueError(
            f"guidance={guidance} needs a label for every image: give label=..., or leave it at 0."
        )


def check_images(name: str, images: Any, shape: tuple[int, int, int]) -> np.ndarray:
    """The images as float32 (n, height, width, channels).

    Raises:
        ValueError: they are not images of `shape` (height, width, channels) with values in [0, 1].
    """
    array = np.asarray(images)
    if array.ndim != 4 or array.shape[1:] != shape or len(array) == 0:
        raise ValueError(
            f"{name} must have the shape (n, {', '.join(map(str, shape))}), as the weights were trained for; "
            f"got {array.shape}."
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"{name} must be floating-point numbers in [0, 1]; got {array.dtype}: divide by its largest level."
        )
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise ValueError(
            f"{name} must lie in [0, 1]; got values from {array.min():.3g} to {array.max():.3g}."
        )
    return array.astype(np.float32)


def check_latents(latents: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The latents as float32 (n, *shape).

    Raises:
        ValueError: they have another shape, or are not all finite.
    """
    try:
        array = np.asarray(latents, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"latents must be an array of numbers; got {type(latents).__name__}.") from error
    if array.shape[1:] != shape or len(array) == 0:
        raise ValueError(f"latents must have the shape (n, {', '.join(map(str, shape))}); got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError("latents must be finite; give what `encode` returned, or unit noise.")
    return array


def check_mask(mask: Any, num_images: int, size: tuple[int, int]) -> np.ndarray:
    """The mask as booleans (num_images, height, width).

    Raises:
        ValueError: it is not boolean, or has another shape.
    """
    array = np.asarray(mask)
    if array.dtype != bool:
        raise ValueError(f"mask must be boolean, True where a pixel is known; got {array.dtype}.")
    if array.shape not in (size, (num_images, *size)):
        raise ValueError(f"mask must have the shape {size} or {(num_images, *size)}; got {array.shape}.")
    return np.broadcast_to(array, (num_images, *size))
