"""Weights files: safetensors, with metadata and a checksum; nothing in them can be executed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from molediff.runtime.files import write_bytes

FORMAT = "molediff-1"


class WeightsError(ValueError):
    """These weights cannot be used; the message says why and what to do."""


class NoSuchWeightsError(WeightsError, FileNotFoundError):
    """There are no weights of this name; the message says which there are."""


def save_weights(
    path: str | os.PathLike[str],
    module: nn.Module,
    metadata: dict[str, Any],
    dtype: torch.dtype | None = torch.float16,
) -> None:
    """Write the parameters and persistent buffers of `module` to a safetensors file, in one atomic step.

    Args:
        path: the file; its folder is made if it is missing.
        module: what to save.
        metadata: what there is to know of the weights, as JSON values. The checksum is added here.
        dtype: type that floating-point tensors are stored in; None keeps theirs. float16 halves the file and moves a
            weight by at most 0.05 %; it is loaded as float32 again.

    Raises:
        ValueError: a weight is not finite, or too large for `dtype`.
        OSError: the file cannot be written.
    """
    tensors = {}
    for name, tensor in module.state_dict().items():
        stored = tensor.detach().cpu().contiguous()
        if stored.is_floating_point():
            stored = stored if dtype is None else stored.to(dtype)
            if not bool(stored.isfinite().all()):
                raise ValueError(
                    f"{name} holds values that are not finite in {stored.dtype}: these weights are not saved."
                )
        tensors[name] = stored.clone()
    text = json.dumps(metadata)
    header = {"format": FORMAT, "sha256": checksum(tensors, text), "metadata": text}
    write_bytes(path, save(tensors, metadata=header))


def load_weights(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a weights file and check it.

    Returns:
        The tensors, floating-point ones as float32, and the metadata with the checksum as "sha256".

    Raises:
        NoSuchWeightsError: there is no such file (a FileNotFoundError).
        WeightsError: the file is cut short, damaged, altered or not one of ours; the message names it and the remedy.
    """
    path = Path(path)
    if not path.is_file():
        raise NoSuchWeightsError(f"There is no weights file {path}: check the path.")
    remedy = "get the file again, or train anew with molediff train"
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a readable weights file ({error}): {remedy}.") from None
    if header.get("format") != FORMAT:
        raise WeightsError(
            f"{path} is not a weights file of molediff (format {header.get('format')!r}): {remedy}."
        )
    text = header.get("metadata", "")
    if checksum(tensors, text) != header.get("sha256"):
        raise WeightsError(
            f"{path} is damaged or was altered: its SHA-256 is not the recorded one; {remedy}."
        )
    metadata = {**_parsed(path, text), "sha256": header["sha256"]}
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}, metadata


def _parsed(path: Path, text: str) -> dict[str, Any]:
    """The metadata; a checksum says that they are as they were written, not that they are what we write."""
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError(
            f"The metadata of {path} cannot be read ({type(error).__name__}): write them anew."
        ) from None
    if not isinstance(metadata, dict):
        raise WeightsError(
            f"The metadata of {path} are {type(metadata).__name__} instead of a mapping of names to values: write them "
            "anew."
        )
    return metadata


def checksum(tensors: dict[str, Tensor], metadata: str) -> str:
    """SHA-256 of the metadata and of the names, types, shapes and bytes of `tensors`, whatever their order."""
    digest = hashlib.sha256(metadata.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
