"""Several processes that share batches train what one does, and a lost one ends the run with a clear word."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from places import ROOT

from molediff.training.checkpoint import read_checkpoint
from molediff.training.devices import Share, shares_of, trainer_settings
from molediff.training.run import train

PROGRAM = Path(__file__).parent / "shared_run.py"
SECONDS = 240  # a run takes 10 on a quiet machine


def run(
    folder: Path, devices: int, accumulate: int, max_steps: int, *words: str
) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, (folder, devices, accumulate, max_steps)), *words],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )


def losses(folder: Path) -> list[float]:
    logs = sorted(folder.glob("csv/version_*/metrics.csv"))
    rows = [row for log in logs for row in csv.DictReader(log.open())]
    return [float(row["train/loss"]) for row in rows if row.get("train/loss")]


@pytest.mark.parametrize(
    ("total", "num_processes", "num_parts"), [(12, 3, 1), (5, 2, 1), (7, 2, 3), (2, 3, 1)]
)
def test_parts_cover_a_batch_once_and_weigh_as_many_samples_as_they_hold(
    total: int, num_processes: int, num_parts: int
):
    parts = [
        part for rank in range(num_processes) for part in shares_of(total, rank, num_processes, num_parts)
    ]
    covered = [place for part in parts if part.weight for place in range(part.first, part.stop)]
    assert covered == list(range(total))
    assert all(part.size >= 1 for part in parts)
    weighted = sum(part.weight * sum(range(part.first, part.stop)) / part.size for part in parts) / len(parts)
    assert weighted == pytest.approx(sum(range(total)) / total)


def test_random_numbers_of_parts_are_those_of_the_whole_batch(toy: Any):
    make_task, _ = toy
    whole, parts = make_task(seed=1), []
    expected = whole.drawn(lambda n: torch.randn(n, generator=whole.generator), 10)
    for share in (Share(0, 2, 5), Share(2, 5, 5)):
        task = make_task(seed=1)
        task.share = share
        parts.append(
            task.drawn(lambda n, task=task: torch.randn(n, generator=task.generator), 2 * share.size)
        )
    assert torch.equal(torch.cat(parts), expected)


@pytest.mark.slow
def test_two_processes_have_the_gradients_of_one_and_go_on_as_one(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, devices, words in ((one, 1, ()), (two, 2, ("stop",))):
        done = run(folder, devices, 1, 8, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    expected = torch.load(one / "seen_0.pt", weights_only=True)
    ranks = [torch.load(two / f"seen_{rank}.pt", weights_only=True) for rank in (0, 1)]
    for found in ranks:
        for k, gradients in enumerate(found["gradients"]):
            for name, gradient in gradients.items():
                torch.testing.assert_close(gradient, expected["gradients"][k][name], rtol=0, atol=1e-5)
    for first, second in zip(ranks[0]["sizes"], ranks[1]["sizes"], strict=True):
        assert first[0] == 0
        assert first[1] == second[0]
        assert second[1] == second[2] == first[2]

    # With another number of devices and parts: the same batches, the same noise.
    done = run(two, 1, 2, 8, "last")
    assert done.returncode == 0, done.stdout + done.stderr
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    states = [read_checkpoint(folder / "last.ckpt") for folder in (one, two)]
    assert states[0]["task"]["samples_seen"] == states[1]["task"]["samples_seen"]
    for name, value in states[0]["state_dict"].items():  # the average of the weights
        torch.testing.assert_close(states[1]["state_dict"][name], value, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_killed_process_ends_the_run_with_a_word_and_a_good_checkpoint(tmp_path: Path):
    """Lightning kills the first process, too, where a busy machine lets it take more than seconds to end."""
    done = run(tmp_path, 2, 1, 50, "kill")
    assert done.returncode in (1, -signal.SIGKILL), done.stdout + done.stderr
    assert "another process of this training died" in done.stdout
    assert "ckpt_path=last" in done.stdout
    assert read_checkpoint(tmp_path / "last.ckpt")["global_step"] in (5, 6)


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"devices": 0}, "devices"), ({"num_nodes": 1.5}, "num_nodes"), ({"accumulate": 0}, "accumulate")],
)
def test_numbers_of_devices_that_make_no_sense_are_refused(
    settings: dict[str, Any], word: str, toy: Any, tmp_path: Path
):
    make_task, data_class = toy
    with pytest.raises(ValueError, match=f"{word} must be a whole number"):
        train(make_task(), data_class(), tmp_path, device="cpu", **settings)


def test_more_gpus_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert trainer_settings("cuda", "auto", 1, "auto", 1)["devices"] == 2
    with pytest.raises(ValueError, match="this machine has 2 GPUs"):
        trainer_settings("cuda", 4, 1, "auto", 1)


def test_data_that_do_not_divide_their_batches_are_refused(toy: Any, tmp_path: Path):
    make_task, data_class = toy
    with pytest.raises(ValueError, match="do not divide their batches"):
        train(make_task(), data_class(), tmp_path, device="cpu", precision="32-true", accumulate=2)
