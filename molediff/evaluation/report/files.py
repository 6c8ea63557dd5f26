"""Pictures, figures and numbers as files, each there whole or not at all."""

from __future__ import annotations

import io
import math
from os import PathLike
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from molediff.runtime.files import write_bytes


def write_figure(figure: Figure, file: str | PathLike[str], dpi: float = 100) -> None:
    """Write a figure in the format of the file's ending (.png, .svg, .pdf)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=_ending(file), dpi=dpi)
    write_bytes(file, buffer.getvalue())


def write_picture(picture: Image.Image, file: str | PathLike[str]) -> None:
    """Write a picture in the format of the file's ending (.png)."""
    buffer = io.BytesIO()
    picture.save(buffer, format=_ending(file), optimize=True)
    write_bytes(file, buffer.getvalue())


def finite_or_none(value: Any) -> Any:
    """The same structure with None for every number that is not finite, as JSON wants it."""
    if isinstance(value, dict):
        return {key: finite_or_none(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite_or_none(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _ending(file: str | PathLike[str]) -> str:
    ending = Path(file).suffix[1:].lower()
    if not ending:
        raise ValueError(f"the format of a picture is the ending of its name, such as .png; got {file}")
    return ending
