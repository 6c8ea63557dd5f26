"""What a measurement ran on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from molediff.runtime.words import counted


def describe_machine(num_threads: int | None = None) -> dict[str, str]:
    """Processor, threads and the versions of the libraries that decide figures and speed.

    Args:
        num_threads: threads in use, where known.
    """
    threads = "" if num_threads is None else f", {counted(num_threads, 'thread')}"
    names = ("molediff", "torch", "rdkit", "posebusters")
    return {
        "machine": f"{_processor()}{threads}",
        "versions": ", ".join(f"{name} {_version(name)}" for name in names),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
