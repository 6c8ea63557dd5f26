"""Whole runs on a toy problem: they learn, repeat, go on, stop in time, and survive bad input."""

from __future__ import annotations

import csv
import itertools
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from fake_generators import random_weights
from pytorch_lightning.callbacks import Callback

from molediff.networks.weights import load_weights, save_weights
from molediff.training import clock
from molediff.training.clock import Clock
from molediff.training.guard import DivergedError
from molediff.training.run import load_into, train


def rows_of(run_dir: Path) -> list[dict[str, str]]:
    return [row for path in sorted(run_dir.glob("csv/*/metrics.csv")) for row in csv.DictReader(path.open())]


def losses_of(run_dir: Path) -> list[float]:
    return [float(row["train/loss"]) for row in rows_of(run_dir) if row.get("train/loss")]


def run(
    toy: Any, run_dir: Path, data: dict[str, Any] | None = None, **settings: Any
) -> tuple[Any, dict[str, float]]:
    make_task, data_class = toy
    options = {k: settings.pop(k) for k in ("ckpt_path", "callbacks", "overwrite") if k in settings}
    task = make_task(**settings)
    metrics = train(
        task, data_class(**(data or {})), run_dir, device="cpu", precision="32-true", log_steps=1, **options
    )
    return task, metrics


def test_learns_and_leaves_everything_behind(toy: Any, tmp_path: Path):
    task, metrics = run(toy, tmp_path, max_steps=300)
    assert metrics["val/loss"] < 0.7 * losses_of(tmp_path)[0]
    assert task.global_step == 300
    assert task.samples_seen == 300 * 16
    assert {p.name for p in tmp_path.iterdir()} == {"last.ckpt", "weights.safetensors", "csv", "tensorboard"}


def test_seed_fixes_the_run(toy: Any, tmp_path: Path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(toy, tmp_path / name, seed=seed, max_steps=10)
    a, b, c = (losses_of(tmp_path / name) for name in "abc")
    assert a == b
    assert a != c


class Interrupt(Callback):
    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == 15:
            raise KeyboardInterrupt


def test_interrupted_run_goes_on_as_if_it_had_not_been(toy: Any, tmp_path: Path):
    whole, whole_metrics = run(toy, tmp_path / "whole", max_steps=30)
    with pytest.raises(KeyboardInterrupt):
        run(toy, tmp_path / "parts", max_steps=30, callbacks=(Interrupt(),))
    resumed, metrics = run(toy, tmp_path / "parts", max_steps=30, ckpt_path="last")
    # the interrupted step is not logged: 14 rows, then 15 of the resumed part
    assert losses_of(tmp_path / "parts")[-15:] == losses_of(tmp_path / "whole")[-15:]
    assert resumed.global_step == 30
    assert metrics["val/loss"] == whole_metrics["val/loss"]
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], value, rtol=0, atol=0)


def test_existing_run_is_not_overwritten_unasked(toy: Any, tmp_path: Path):
    run(toy, tmp_path, max_steps=3)
    with pytest.raises(ValueError, match="holds a run"):
        run(toy, tmp_path, max_steps=3)
    run(toy, tmp_path, max_steps=3, overwrite=True)
    assert len(losses_of(tmp_path)) == 3


def test_resuming_without_a_checkpoint_says_so(toy: Any, tmp_path: Path):
    with pytest.raises(ValueError, match="no checkpoint"):
        run(toy, tmp_path, ckpt_path="last")


def test_nan_stops_before_the_weights_are_harmed(toy: Any, tmp_path: Path):
    def spoil(number: int, x: torch.Tensor) -> torch.Tensor:
        return x * float("nan") if number == 8 else x

    make_task, data_class = toy
    task = make_task(max_steps=100)
    with pytest.raises(DivergedError, match="step 8 is not finite"):
        train(task, data_class(spoil), tmp_path, device="cpu", precision="32-true", checkpoint_minutes=0)
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert saved["global_step"] == 8
    assert all(value.isfinite().all() for value in saved["state_dict"].values())
    assert all(p.isfinite().all() for p in task.parameters())


def test_time_bound_ends_the_run_with_the_rate_at_zero(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ticks = itertools.count()
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: 0.1 * next(ticks)))
    task, _ = run(toy, tmp_path, clock=Clock(max_minutes=1))
    assert 60.0 <= task.clock.seconds < 65.0
    rates = [float(row["train/learning_rate"]) for row in rows_of(tmp_path) if row.get("train/learning_rate")]
    assert rates[-1] < 1e-3 * max(rates)


def test_validation_does_not_depend_on_the_batch_size(toy: Any, tmp_path: Path):
    _, a = run(toy, tmp_path / "a", max_steps=5, data={"validation_size": 16})
    _, b = run(toy, tmp_path / "b", max_steps=5, data={"validation_size": 5})
    names = [name for name in a if name.startswith("val/")]
    assert len(names) == 5
    assert [a[name] for name in names] == pytest.approx([b[name] for name in names], rel=1e-5)


def test_exported_weights_are_the_average_that_is_validated(toy: Any, tmp_path: Path):
    task, _ = run(toy, tmp_path, max_steps=20)
    state, metadata = load_weights(tmp_path / "weights.safetensors")
    averaged = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    current = torch.load(tmp_path / "last.ckpt", weights_only=True)["current_model_state"]
    for name, value in state.items():
        rounded = averaged[f"model.{name}"].half().float()  # as weights are stored
        torch.testing.assert_close(value, rounded, rtol=0, atol=0)
        torch.testing.assert_close(task.model.state_dict()[name].half().float(), rounded, rtol=0, atol=0)
    assert any(
        not torch.equal(value, current[f"model.{name}"].half().float()) for name, value in state.items()
    )
    assert metadata["samples_seen"] == 320


def test_lightning_is_quiet(toy: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        run(toy, tmp_path, max_steps=3)
    assert [str(w.message) for w in caught if "lightning" in w.filename] == []
    out, err = capfd.readouterr()
    assert len((out + err).splitlines()) <= 2


def test_a_network_of_fewer_blocks_begins_with_those_that_are_named(tmp_path: Path):
    model, smaller = random_weights(0), random_weights(1)
    save_weights(tmp_path / "all.safetensors", model, {}, dtype=None)
    del smaller.network.blocks[1]
    load_into(smaller, tmp_path / "all.safetensors", [0])
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in smaller.state_dict().items())
    with pytest.raises(ValueError, match="do not fit the network"):
        load_into(smaller, tmp_path / "all.safetensors", [0, 1])
