"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import errno
import glob
import gzip
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np

if sys.platform != "win32":
    import fcntl

# Of `tempfile.mkstemp`; and between that and the lock a new file must not be taken for a leftover.
_RANDOM_LETTERS = 8
_SECONDS_UNTIL_LOCKED = 60.0

NameAtEnd = Callable[[], Path]
"""What a file is called in the end, where only the work decides."""


@contextmanager
def complete_file(path: str | os.PathLike[str], name_at_end: NameAtEnd | None = None) -> Iterator[TextIO]:
    """A new text file that gets its name when the block ends, and is removed if the block raises.

    Missing folders are made. The file is opened at once, so that an unwritable place is known before any work is done.

    Args:
        path: of the file.
        name_at_end: asked then for another name in the same folder; None: `path` it is.
    """
    with (
        _renamed_at_end(Path(path), name_at_end) as descriptor,
        os.fdopen(descriptor, "w", newline="") as file,
    ):
        yield file


@contextmanager
def complete_binary_file(
    path: str | os.PathLike[str], name_at_end: NameAtEnd | None = None
) -> Iterator[BinaryIO]:
    """The same for bytes."""
    with _renamed_at_end(Path(path), name_at_end) as descriptor, os.fdopen(descriptor, "wb") as file:
        yield file


@contextmanager
def complete_gzip_file(
    path: str | os.PathLike[str], name_at_end: NameAtEnd | None = None
) -> Iterator[TextIO]:
    """The same for text that is compressed by gzip; the same text gives the same file."""
    with (
        complete_binary_file(path, name_at_end) as file,
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
def _renamed_at_end(path: Path, name_at_end: NameAtEnd | None = None) -> Iterator[int]:
    """Descriptor of a new file, which the block closes, and which then takes the place of `path`, or of another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file")
    if path.exists() and not path.is_file():  # or a user with all rights would lose /dev/null
        raise ValueError(
            f"{path} is a device or a pipe, which cannot be replaced by a file; give the name of a file"
        )
    _remove_leftovers(path)
    # In the folder of the result: a rename is atomic only within one file system.
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None
    _lock(descriptor)
    try:
        yield descriptor
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path if name_at_end is None else name_at_end())
    except OSError as error:
        if error.errno is None or error.filename not in (None, temporary):
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error  # such as a full disk
    finally:
        Path(temporary).unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Remove what writers of the same file left that were killed: nobody has it locked any more."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.{'?' * _RANDOM_LETTERS}"):
        with suppress(OSError):  # it is another user's, or has gone already
            if time.time() - leftover.stat().st_mtime < _SECONDS_UNTIL_LOCKED:
                continue
            descriptor = os.open(leftover, os.O_RDWR)
            try:
                if _lock(descriptor):
                    leftover.unlink()
            finally:
                os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open file until it is closed, and say whether it could be; without locks it cannot."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except FileNotFoundError:  # the folder is there: /proc takes no files and says so
        raise PermissionError(errno.EACCES, "no file can be written there", str(folder)) from None
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(folder)) from None
