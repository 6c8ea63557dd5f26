"""What schedules and clipping do to training: many small runs, each measured against the exact denoiser."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from molediff.evaluation.mathematics.training_craft_plots import craft_figure, final_values
from molediff.evaluation.report.files import write_figure
from molediff.runtime.processes import as_completed
from molediff.training.guard import DivergedError
from molediff.training.mixture import ExcessLoss
from molediff.training.run import BuildRun, train

Curve = list[dict[str, float]]
"""What `ExcessLoss` measured in one run."""


def measure(
    folder: str,
    overrides: Sequence[str],
    num_seeds: int,
    every_steps: int,
    num_processes: int,
    parts: Mapping[str, Mapping[str, Any]],
    build: BuildRun,
) -> dict[str, Any]:
    """Train every variant of every part, print a table, draw the picture, and return what was measured.

    Args:
        folder: of the picture.
        overrides: words of every run.
        num_seeds: runs of each variant.
        every_steps: between measurements.
        num_processes: runs at a time.
        parts: by name, further words `overrides` and, by name, the `variants`, words each.
        build: of a module, since new processes must import it.
    """
    runs = {
        (part, variant, seed): (*overrides, *settings["overrides"], *words, f"seed={seed}")
        for part, settings in parts.items()
        for variant, words in settings["variants"].items()
        for seed in range(num_seeds)
    }
    found = _curves([*runs.values()], build, every_steps, num_processes)
    curves: dict[str, dict[str, list[Curve]]] = {}
    for (part, variant, _), curve in zip(runs, found, strict=True):
        curves.setdefault(part, {}).setdefault(variant, []).append(curve)
    for part, variants in curves.items():
        print(f"\n{part}: excess of the loss over the exact denoiser's at the end, times 1000")
        print(f"  {'':16s}{'last weights':^30s}{'averaged weights':^30s}")
        print(f"  {'':16s}" + 2 * f"{'low noise':^15s}{'high noise':^15s}")
        for variant, each in variants.items():
            cells = (f"{1000 * mean:7.3f} x/{factor:4.2f} " for mean, factor in final_values(each))
            print(f"  {variant:16s}" + "".join(cells), flush=True)
    task, data, _ = build(overrides)
    untrained = _excess(data, 1).measure(task.model)  # of a network that predicts zero
    values = ", ".join(f"{1000 * value:.1f} at {band}" for band, value in untrained.items())
    file = Path(folder) / "training_craft.png"
    write_figure(craft_figure(curves, untrained), file)
    print(f"\nbefore training: {values}\n{file}")
    return {"untrained": untrained, "curves": curves}


def _curves(
    runs: Sequence[tuple[str, ...]], build: BuildRun, every_steps: int, num_processes: int
) -> list[Curve]:
    """The curve of every run, in order."""
    found: dict[tuple[str, ...], Curve] = {}
    work = partial(measure_run, build=build, every_steps=every_steps)
    for outcome in as_completed(work, runs, num_processes):
        if outcome.value is None:
            raise RuntimeError(f"the run {' '.join(outcome.item)} failed: {outcome.reason}")
        found[outcome.item] = outcome.value
    return [found[run] for run in runs]


def measure_run(words: Sequence[str], build: BuildRun, every_steps: int) -> Curve:
    """What `ExcessLoss` measured in a run of train.py with these words; up to where it diverged, if it did."""
    task, data, settings = build(words)
    excess = _excess(data, every_steps)
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.suppress(DivergedError),
    ):
        train(
            task,
            data,
            folder,
            device="cpu",
            precision=settings["precision"],
            ema_decay=settings["trainer"]["ema_decay"],
            log_steps=settings["trainer"]["log_steps"],
            callbacks=(excess,),
        )
    return excess.rows


def _excess(data: Any, every_steps: int) -> ExcessLoss:
    return ExcessLoss(data.data, every_steps)
