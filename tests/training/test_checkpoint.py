"""Checkpoints: what is damaged or holds code is refused in one line, what cannot be written leaves nothing behind."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from molediff.training.checkpoint import read_checkpoint, write_checkpoint
from molediff.training.run import train

WHOLE = {"task": {}, "global_step": 3, "state_dict": {"w": torch.arange(1000.0)}}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "last.ckpt", lambda path: torch.save(WHOLE, path))
    return tmp_path / "last.ckpt"


def test_a_whole_checkpoint_comes_back(checkpoint: Path):
    assert torch.equal(read_checkpoint(checkpoint)["state_dict"]["w"], torch.arange(1000.0))


@pytest.mark.parametrize("where", [0.3, 0.5, 0.9, 0.999])
def test_one_byte_inverted_is_seen(checkpoint: Path, where: float):
    content = bytearray(checkpoint.read_bytes())
    content[int(where * len(content))] ^= 0xFF
    checkpoint.write_bytes(content)
    with pytest.raises(ValueError, match=r"last\.ckpt is damaged"):
        read_checkpoint(checkpoint)


def test_a_checkpoint_cut_short_is_seen(checkpoint: Path):
    checkpoint.write_bytes(checkpoint.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"last\.ckpt is damaged"):
        read_checkpoint(checkpoint)


class Code:
    """What must never be unpickled."""

    def __reduce__(self) -> Any:
        return print, ("run",)


def test_code_is_refused_and_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch.save({**WHOLE, "task": Code()}, tmp_path / "last.ckpt")
    with pytest.raises(ValueError, match="more than plain data"):
        read_checkpoint(tmp_path / "last.ckpt")
    assert capsys.readouterr().out == ""


def test_other_files_of_torch_are_no_checkpoints(tmp_path: Path):
    torch.save(WHOLE["state_dict"], tmp_path / "last.ckpt")
    with pytest.raises(ValueError, match="no checkpoint of a training"):
        read_checkpoint(tmp_path / "last.ckpt")


def test_a_full_disk_names_the_file_and_leaves_nothing(checkpoint: Path):
    before = checkpoint.read_bytes()

    def full(path: Path) -> None:
        path.write_bytes(b"a part")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"checkpoint .*last\.ckpt: No space left"):
        write_checkpoint(checkpoint, full)
    assert checkpoint.read_bytes() == before
    assert [file.name for file in checkpoint.parent.iterdir()] == ["last.ckpt"]


def test_a_finished_run_that_goes_on_trains_nothing_and_writes_nothing(toy: Any, tmp_path: Path):
    make_task, data = toy
    options = {"device": "cpu", "precision": "32-true", "log_steps": 1}
    metrics = train(make_task(max_steps=3), data(), tmp_path, **options)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    task = make_task(max_steps=3)
    again = train(task, data(), tmp_path, ckpt_path="last", **options)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert task.samples_seen == 0
    assert again["val/loss"] == pytest.approx(metrics["val/loss"])
