"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np


@contextmanager
def complete_file(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """A new text file that gets its name when the block ends, and is removed if the block raises.

    Missing folders are made. The file is opened at once, so that an unwritable place is known before any work is done.
    """
    with _renamed_at_end(Path(path)) as descriptor, os.fdopen(descriptor, "w", newline="") as file:
        yield file


@contextmanager
def complete_binary_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """The same for bytes."""
    with _renamed_at_end(Path(path)) as descriptor, os.fdopen(descriptor, "wb") as file:
        yield file


@contextmanager
def complete_gzip_file(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """The same for text that is compressed by gzip; the same text gives the same file."""
    with (
        complete_binary_file(path) as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
    ):
        yield text


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that it is there whole or not at all; missing folders are made."""
    with complete_binary_file(path) as file:
        file.write(content)


def write_arrays(path: str | os.PathLike[str], **arrays: Any) -> None:
    """Write arrays as a compressed `.npz` file that is there whole or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


@contextmanager
def _renamed_at_end(path: Path) -> Iterator[int]:
    """Descriptor of a new file, which the block closes, and which then takes the place of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file")
    # In the folder of the result: a rename is atomic only within one file system.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        yield descriptor
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)  # it can be read only by setting it
    os.umask(mask)
    return mask


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Make `folder` if missing and see that files can be written there: before an hour of work, not after it.

    Raises:
        OSError: they cannot.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()
