"""`benchmark=training_craft`: many small runs of train.py, each measured against the exact denoiser."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from _cli import CONFIGS, DictConfig, use_threads
from _parts import build_model, build_task
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from pytorch_lightning import seed_everything

from molediff.evaluation.mathematics.training_craft_plots import craft_figure, final_values
from molediff.runtime.processes import in_order
from molediff.training.clock import Clock
from molediff.training.guard import DivergedError
from molediff.training.mixture import ExcessLoss
from molediff.training.run import train


def measure(
    folder: str,
    overrides: Sequence[str],
    num_seeds: int,
    every_steps: int,
    num_processes: int,
    parts: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Train every variant of `configs/benchmark/training_craft.yaml`, print a table, draw the picture."""
    curves: dict[str, dict[str, list[Any]]] = {}
    words_of_runs = [
        [[*overrides, *settings["overrides"], *words, f"seed={seed}"]]
        for settings in parts.values()
        for words in settings["variants"].values()
        for seed in range(num_seeds)
    ]
    rows = in_order(partial(_rows_of_runs, every_steps), words_of_runs, num_processes, _lost)
    for part, settings in parts.items():
        curves[part] = {}
        print(f"\n{part}: excess of the loss over the exact denoiser's at the end, times 1000")
        print(f"  {'':16s}{'last weights':^30s}{'averaged weights':^30s}")
        print(f"  {'':16s}" + 2 * f"{'low noise':^15s}{'high noise':^15s}")
        for variant in settings["variants"]:
            curves[part][variant] = list(islice(rows, num_seeds))
            values = final_values(curves[part][variant])
            cells = (f"{1000 * mean:7.3f} x/{factor:4.2f} " for mean, factor in values)
            print(f"  {variant:16s}" + "".join(cells), flush=True)
    file = Path(folder) / "training_craft.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    untrained = excess_untrained(overrides)
    print(
        f"\nbefore training: {', '.join(f'{1000 * value:.1f} at {band}' for band, value in untrained.items())}"
    )
    craft_figure(curves, untrained).savefig(file, dpi=100)
    print(file)
    return {"untrained": untrained, "curves": curves}


def excess_untrained(overrides: Sequence[str]) -> dict[str, float]:
    """Excess by band of the network before training, which predicts zero."""
    config = _composed(overrides)
    data = instantiate(config.data)
    config.scale = data.scale()
    return ExcessLoss(data.data, every_steps=1).measure(build_model(config))


def _rows_of_runs(every_steps: int, runs: list[list[str]]) -> list[list[dict[str, float]]]:
    return [rows_of_run(words, every_steps) for words in runs]


def _lost(words: list[str]) -> list[dict[str, float]]:
    raise RuntimeError(
        f"The process of a run died twice, killed or out of memory: train.py {' '.join(words)}"
    )


def rows_of_run(overrides: Sequence[str], every_steps: int) -> list[dict[str, float]]:
    """What `ExcessLoss` measured in a run of train.py with these words; up to where it diverged, if it did."""
    config = _composed(overrides)
    use_threads(config.threads)
    data = instantiate(config.data)
    config.scale = data.scale()
    seed_everything(config.seed, verbose=False)
    task = build_task(config, build_model(config), Clock(config.max_steps), data.unpack)
    excess = ExcessLoss(data.data, every_steps)
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
            precision=config.precision,
            ema_decay=config.trainer.ema_decay,
            log_steps=config.trainer.log_steps,
            callbacks=(excess,),
        )
    return excess.rows


def _composed(overrides: Sequence[str]) -> DictConfig:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("train", list(overrides))
