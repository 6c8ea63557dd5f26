"""Films as GIF files, from pictures or from a figure that is drawn again for every frame."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from os import PathLike
from typing import TypeVar

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from molediff.runtime.files import write_bytes

Frame = TypeVar("Frame")


def draw_frames(
    figure: Figure, show: Callable[[Frame], None], frames: Sequence[Frame], dpi: float = 80
) -> list[Image.Image]:
    """A picture of `figure` after each call of `show`; the layout of the first frame serves all."""
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(dpi)
    pictures = []
    for frame in frames:
        show(frame)
        canvas.draw()
        figure.set_layout_engine("none")
        pictures.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    return pictures


def write_gif(
    file: str | PathLike[str],
    pictures: Sequence[Image.Image],
    milliseconds: int,
    hold: int,
    colours: Sequence[str] | None = None,
) -> None:
    """Write a GIF that starts again when it is over; the file is there whole or not at all.

    Args:
        file: ends in .gif.
        pictures: the frames, all of one size.
        milliseconds: a frame is shown.
        hold: milliseconds that the last frame is shown.
        colours: reduce all frames to one palette of 48 colours without dither, which makes the file small, with these
            among them: thin lines are few pixels, and would have no colour of their own. None: a palette a frame.

    Raises:
        ValueError: there is no picture, or the file does not end in .gif.
    """
    if not pictures:
        raise ValueError(f"there is no frame to write into {file}")
    if not str(file).lower().endswith(".gif"):
        raise ValueError(f"a film is a GIF: name a file that ends in .gif; got {file}")
    frames = list(pictures) if colours is None else _in_one_palette(pictures, colours)
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[milliseconds] * (len(frames) - 1) + [hold],
        loop=0,
        optimize=True,
    )
    write_bytes(file, buffer.getvalue())


def _in_one_palette(pictures: Sequence[Image.Image], colours: Sequence[str]) -> list[Image.Image]:
    some = [np.asarray(picture) for picture in pictures[:: max(1, len(pictures) // 6)]]
    swatches = [
        np.tile(np.uint8(255 * np.array(to_rgb(colour))), (12, some[0].shape[1], 1)) for colour in colours
    ]
    palette = Image.fromarray(np.concatenate([*some, *swatches])).quantize(48, dither=Image.Dither.NONE)
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
