"""`benchmark=training_craft`: many small runs of train.py, each measured against the exact denoiser."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from _cli import CONFIGS, DictConfig, use_threads
from _parts import build_model, build_task
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from pytorch_lightning import seed_everything

from molediff.evaluation.mathematics.training_craft_plots import craft_figure, final_values
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
    with ProcessPoolExecutor(num_processes, get_context("spawn")) as pool:
        for part, settings in parts.items():
            curves[part] = {
                variant: [
                    pool.submit(
                        rows_of_run, [*overrides, *settings["overrides"], *words, f"seed={seed}"], every_steps
                    )
                    for seed in range(num_seeds)
                ]
                for variant, words in settings["variants"].items()
            }
        for part, variants in curves.items():
            print(f"\n{part}: excess of the loss over the exact denoiser's at the end, times 1000")
            print(f"  {'':16s}{'last weights':^30s}{'averaged weights':^30s}")
            print(f"  {'':16s}" + 2 * f"{'low noise':^15s}{'high noise':^15s}")
            for variant, runs in variants.items():
                variants[variant] = [run.result() for run in runs]
                values = final_values(variants[variant])
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
