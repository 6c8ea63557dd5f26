"""Images side by side as one picture, and films of them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np
from PIL import Image

from molediff.images.trajectory import ImageTrajectory

_GAP, _BACKGROUND = 2, 64  # between the images: pixels, dark grey
_SIDE = 40  # an image is enlarged to about this many pixels


def grid(images: np.ndarray, num_columns: int | None = None, side: int = _SIDE) -> Image.Image:
    """Images in rows, each enlarged by a whole factor without smoothing.

    Args:
        images: shape (n, height, width, 1 or 3), in [0, 1].
        num_columns: images a row; None: as many as rows, about.
        side: width in pixels to enlarge each image to, or just below.
    """
    num, height, width, channels = images.shape
    num_columns = num_columns or int(np.ceil(np.sqrt(num)))
    num_rows = -(-num // num_columns)
    factor = max(1, side // width)
    cell_height, cell_width = height * factor + _GAP, width * factor + _GAP
    sheet = np.full(
        (num_rows * cell_height + _GAP, num_columns * cell_width + _GAP, channels), _BACKGROUND, np.uint8
    )
    large = np.rint(255 * images).astype(np.uint8).repeat(factor, 1).repeat(factor, 2)
    for number, image in enumerate(large):
        top = _GAP + number // num_columns * cell_height
        left = _GAP + number % num_columns * cell_width
        sheet[top : top + height * factor, left : left + width * factor] = image
    return Image.fromarray(sheet[..., 0] if channels == 1 else sheet)


def write_film(
    film: ImageTrajectory,
    file: str | PathLike[str],
    num_columns: int | None = None,
    frames_per_second: int = 12,
    estimates: bool = True,
) -> None:
    """Write a GIF of images coming out of noise; the result is held for two seconds.

    Args:
        film: from `ImageGenerator.trajectory`.
        file: ends in .gif.
        num_columns: images a row.
        frames_per_second: speed.
        estimates: beside the states, show what the network takes the images to be.
    """
    frames = []
    for state, estimate in zip([*film.x_t, film.images], [*film.x_0_hat, film.images], strict=True):
        halves = [grid(part, num_columns) for part in ((state, estimate) if estimates else (state,))]
        frames.append(_beside(halves))
    from molediff.evaluation.report.gif import write_gif  # here: it needs matplotlib, which training does not

    write_gif(file, frames, milliseconds=1000 // frames_per_second, hold=2000)


def _beside(pictures: Sequence[Image.Image], gap: int = 24) -> Image.Image:
    """Pictures of one size in a row, on white."""
    width, height = pictures[0].size
    sheet = Image.new(pictures[0].mode, ((width + gap) * len(pictures) - gap, height), "white")
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number * (width + gap), 0))
    return sheet
