"""Checkpoints of a training: read only if they are whole, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from molediff.training.devices import is_lost_process


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, on the CPU; tensors are read from the file as they are needed.

    The checksum of the file is compared first: torch itself would go on with damaged weights.

    Raises:
        ValueError: the file is damaged, holds more than plain data, or is no checkpoint of a training.
    """
    try:
        _check_sum(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except OSError:
        raise
    except Exception as error:  # what a damaged archive raises in torch's reader has no bounds
        holds_code = type(error).__name__ == "UnpicklingError"
        reason = "it holds more than plain data" if holds_code else str(error).splitlines()[0]
        raise ValueError(
            f"The checkpoint {path} is damaged or none of a training ({reason}): begin anew with overwrite=true, or "
            "go on from another with ckpt_path=."
        ) from None
    if not isinstance(content, dict) or not {"task", "global_step", "state_dict"} <= content.keys():
        raise ValueError(f"{path} is no checkpoint of a training: give the last.ckpt of a run.")
    return content


def write_checkpoint(path: Path, save: Callable[[Path], None]) -> None:
    """Let `save` write a checkpoint beside `path`, and put it in its place when it is whole.

    Raises:
        OSError: it cannot be written, for one because the disk is full; what was written of it is gone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        save(partial)
        _add_sum(partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # RuntimeError: torch's writer of files says so
        if is_lost_process(error):
            raise
        reason = getattr(error, "strerror", None) or "is the disk full?"
        raise OSError(f"cannot write the checkpoint {path}: {reason}") from error
    finally:
        partial.unlink(missing_ok=True)


# The checksum is the comment of the zip archive that torch writes: its end, behind a length of two bytes.
_PREFIX, _LENGTH = b"sha256:", len(b"sha256:") + 64


def _sum_of(content: bytes) -> bytes:
    return _PREFIX + hashlib.sha256(content).hexdigest().encode()


def _add_sum(path: Path) -> None:
    """Append the checksum of an archive that ends without a comment."""
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(len(content) - 2)
        file.write(_LENGTH.to_bytes(2, "little") + _sum_of(content))
        file.flush()
        os.fsync(file.fileno())


def _check_sum(path: Path) -> None:
    """Raise a ValueError unless the file is what was written; of one without a checksum, unless its entries are."""
    with zipfile.ZipFile(path) as archive:
        found, damaged = archive.comment, None if archive.comment else archive.testzip()
    written = path.read_bytes()[: -2 - _LENGTH] + bytes(2) if found else b""
    if damaged is not None or (found and found != _sum_of(written)):
        raise ValueError("its checksum is not that of its content")
