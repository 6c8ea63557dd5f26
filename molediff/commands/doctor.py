"""`molediff doctor`: what is installed, what the machine has, what is missing and how to get it."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from typer import Exit

from molediff.commands.exits import BAD_WEIGHTS, NOT_INSTALLED, OK
from molediff.commands.options import Json
from molediff.runtime.words import counted

_CORE = {
    "torch": "torch", "torch-geometric": "torch_geometric", "e3nn": "e3nn", "rdkit": "rdkit", "numpy": "numpy",
    "scipy": "scipy", "hydra-core": "hydra", "safetensors": "safetensors", "typer": "typer",
}  # fmt: skip
"""What `pip install molediff` brings: as pip names it, and as it is imported."""


def doctor(as_json: Json = False) -> None:
    """Versions, processor, GPU, extras that are missing, writable folders, and whether a conformer can be drawn.

    Ends with 0 if conformers can be drawn, whatever extras are missing.
    """
    found = examine()
    print(json.dumps(found, indent=2) if as_json else _text(found))
    if found["missing"]:
        raise Exit(NOT_INSTALLED)
    raise Exit(OK if found["trial"]["ok"] else BAD_WEIGHTS)


def examine() -> dict[str, Any]:
    """All that `doctor` tells."""
    import molediff
    from molediff.runtime.extras import EXTRA_OF

    missing = [name for name, module in _CORE.items() if find_spec(module) is None]
    extras: dict[str, list[str]] = {}
    for module, extra in EXTRA_OF.items():
        absent = extras.setdefault(extra, [])
        if find_spec(module) is None:
            absent.append(module)
    return {
        "molediff": molediff.__version__,
        "installed_in": str(Path(molediff.__file__).parent),
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": platform.platform(),
        "versions": {name: _version(name) for name in _CORE},
        "missing": missing,
        **({} if missing else _hardware()),
        "missing_extras": {extra: absent for extra, absent in sorted(extras.items()) if absent},
        "folders": {name: _writable(folder) for name, folder in _folders().items()},
        "trial": {"ok": False, "said": "not tried"} if missing else _trial(),
    }


def _hardware() -> dict[str, Any]:
    import torch

    from molediff.runtime.describe import describe_machine

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "processor": describe_machine()["machine"],
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": gpus,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _folders() -> dict[str, str]:
    return {"this folder": os.getcwd(), "temporary files": tempfile.gettempdir()}


def _writable(folder: str) -> dict[str, Any]:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return {"path": folder, "writable": False, "said": error.strerror}
    return {"path": folder, "writable": True}


def _trial() -> dict[str, Any]:
    """One conformer of ethanol, as a user would ask for it."""
    start = time.perf_counter()
    try:
        from molediff import ConformerGenerator

        result = ConformerGenerator.from_pretrained("qm9").generate("CCO", 1)
    except Exception as error:  # whatever it is, it is what the user wants to know
        return {"ok": False, "said": " ".join(f"{type(error).__name__}: {error}".split())}
    seconds = time.perf_counter() - start
    return {"ok": result.status == "ok", "said": result.reason or f"in {seconds:.1f} s, loading included"}


def _text(found: dict[str, Any]) -> str:
    lines = [f"{'molediff':16} {found['molediff']} in {found['installed_in']}"]
    lines += [f"{key:16} {found[key]}" for key in ("python", "system")]
    lines += [
        f"{name:16} {number or 'MISSING: pip install molediff'}" for name, number in found["versions"].items()
    ]
    if "processor" in found:
        lines.append(
            f"{'processor':16} {found['processor']}; {counted(found['cpus'], 'CPU')}, "
            f"{counted(found['threads'], 'thread')} of torch"
        )
        lines.append(
            f"{'GPU':16} {', '.join(found['gpus']) or 'none that torch sees (device cuda ends with code 4)'}"
        )
    for extra, absent in found["missing_extras"].items():
        lines.append(f"{'extra ' + extra:16} missing {', '.join(absent)}: pip install 'molediff[{extra}]'")
    if not found["missing_extras"]:
        lines.append(f"{'extras':16} all there")
    for name, folder in found["folders"].items():
        said = "writable" if folder["writable"] else f"NOT writable ({folder['said']})"
        lines.append(f"{name:16} {folder['path']}: {said}")
    trial = found["trial"]
    lines.append(f"{'a conformer':16} {'drawn' if trial['ok'] else 'NOT drawn'}: {trial['said']}")
    return "\n".join(lines)
