"""Pictures of any size and mode as square grey or RGB images."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

MODES = {1: "L", 3: "RGB"}
SIZES = (16, 28, 32, 64)


def check_square(size: int, channels: int) -> None:
    """Raise a ValueError unless images of this size and these channels are made here."""
    if size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(map(str, SIZES))} pixels, got {size}")
    if channels not in MODES:
        raise ValueError(f"channels must be 1 (grey) or 3 (RGB), got {channels}")


def square(picture: Image.Image, size: int, channels: int) -> np.ndarray:
    """The middle square of a picture, resized: uint8 (size, size, channels).

    It is turned as its EXIF data say; transparent pixels are put on white.
    """
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits; `convert` would cut them off at 255
        picture = Image.fromarray((np.asarray(picture).clip(0, 65535) // 256).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    fitted = ImageOps.fit(picture.convert(MODES[channels]), (size, size), Image.Resampling.BICUBIC)
    return np.asarray(fitted, dtype=np.uint8).reshape(size, size, channels)


def squares(levels: np.ndarray, size: int, channels: int) -> np.ndarray:
    """Images uint8 (n, height, width, 1 or 3) as uint8 (n, size, size, channels); themselves if they are so already."""
    if levels.shape[1:] == (size, size, channels):
        return levels
    pictures = (Image.fromarray(image[..., 0] if image.shape[2] == 1 else image) for image in levels)
    return np.stack([square(picture, size, channels) for picture in pictures])
