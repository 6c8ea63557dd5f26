"""Which weights ship, by what they draw: read from the heads of their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BY_DATA = {"molecules": "conformers", "images": "images", "particles": "particles"}
_BY_TASK = {"autoencoder": "autoencoder", "categorical": "graphs", "torsions": "torsions"}


def kind_of(config: Mapping[str, Any]) -> str:
    """What weights of this config, as their file has it, draw: "conformers", "graphs", ...; "unknown"."""
    if config.get("task") in _BY_TASK:
        return _BY_TASK[config["task"]]
    room = str((config.get("data") or {}).get("_target_", "")).split(".")
    return _BY_DATA.get(room[1] if len(room) > 1 else "", "unknown")


def names_in(folder: Path, kind: str | None = None) -> list[str]:
    """Names of the weights files of a folder, sorted; of one kind, if that is given and there are some."""
    files = sorted(folder.glob("*.safetensors"))
    of_kind = [file.stem for file in files if kind is not None and _kind_in(file) == kind]
    return of_kind or [file.stem for file in files]


def _kind_in(file: Path) -> str | None:
    """The kind of one file; None if its head cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as opened:
            head = json.loads((opened.metadata() or {}).get("metadata", "{}"))
        return kind_of(head.get("config") or {})
    except (SafetensorError, OSError, ValueError, AttributeError, TypeError):
        return None
