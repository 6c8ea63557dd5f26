"""How long a fresh process needs until its first sample, beside what `import torch` alone takes it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

PROGRAMS = {
    "torch": ("import torch", ""),
    "conformers": (
        "from molediff import ConformerGenerator",
        "ConformerGenerator.from_pretrained('qm9').generate('CCO', 1)",
    ),
    "images": (
        "from molediff import ImageGenerator",
        "ImageGenerator.from_pretrained('digits').generate(1)",
    ),
    "particles": (
        "from molediff import ParticleGenerator",
        "ParticleGenerator.from_pretrained('dw4').generate(1)",
    ),
}
"""By name: the import, and what makes the first sample after it."""


@dataclass(frozen=True)
class Startup:
    """Processor seconds of a whole process, from its start to its end.

    Attributes:
        fastest, median: over the repeats; other work on the machine only ever slows a run.
        ratio: of the fastest to the fastest that only imports torch.
    """

    fastest: float
    median: float
    ratio: float


def measure(num_repeats: int = 10) -> dict[str, dict[str, float]]:
    """Time the programs in turn, one thread each, print a table, and return it (run of `benchmark=startup`).

    Args:
        num_repeats: processes of each program.
    """
    commands = {
        f"{name}, {part}": code
        for name, (imported, sample) in PROGRAMS.items()
        for part, code in {"import": imported, "first sample": f"{imported}\n{sample}"}.items()
        if sample or part == "import"
    }
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(num_repeats):
        for name, code in commands.items():
            spent[name].append(processor_seconds(code))
    table = summarize(spent, "torch, import")
    print(f"processor seconds of a fresh process, {num_repeats} times each")
    print(f"  {'':26s}{'fastest':>9s}{'median':>9s}{'to torch':>10s}")
    for name, found in table.items():
        print(f"  {name:26s}{found.fastest:9.2f}{found.median:9.2f}{found.ratio:10.2f}")
    return {name: asdict(found) for name, found in table.items()}


def summarize(spent: Mapping[str, list[float]], reference: str) -> dict[str, Startup]:
    """By program, from the processor seconds of its runs; ratios are to the program `reference`."""
    least = min(spent[reference])
    return {
        name: Startup(min(seconds), float(np.median(seconds)), min(seconds) / least)
        for name, seconds in spent.items()
    }


def processor_seconds(code: str) -> float:
    """Processor time, user's and system's, of a fresh interpreter that runs `code` on one thread.

    Raises:
        RuntimeError: the code failed.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"A process ended with code {process.returncode} on: {code}")
    return used.ru_utime + used.ru_stime
