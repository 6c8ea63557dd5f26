"""Arrays in one checked file that is there whole or not at all, with the key of what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from molediff.runtime.files import write_bytes


class StaleCacheError(RuntimeError):
    """A cache file is missing, truncated, altered, or of another version: it must be built again."""


def write_cache(path: Path, arrays: Mapping[str, np.ndarray], key: Mapping[str, object]) -> None:
    """Write arrays with their checksum and the `key` they belong to (version, fingerprint of the source)."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    metadata = {"key": json.dumps(key, sort_keys=True), "sha256": _checksum(contiguous)}
    write_bytes(path, save(contiguous, metadata=metadata))


def read_cache(path: Path, key: Mapping[str, object]) -> dict[str, np.ndarray]:
    """Read arrays written by `write_cache`.

    Args:
        path: the file.
        key: what the file must have been written with; keys left out here are not compared.

    Raises:
        StaleCacheError: with the reason.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        stored = json.loads(metadata.get("key", "{}"))
    except FileNotFoundError:
        raise StaleCacheError(f"{path} is not there yet") from None
    except (OSError, SafetensorError, ValueError) as error:
        raise StaleCacheError(f"{path} cannot be read ({error})") from None
    changed = [name for name, value in key.items() if stored.get(name) != value]
    if changed:
        raise StaleCacheError(f"{path} was made with another {', '.join(changed)}")
    if metadata.get("sha256") != _checksum(arrays):
        raise StaleCacheError(f"{path} does not have the checksum it was written with")
    return arrays


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()
