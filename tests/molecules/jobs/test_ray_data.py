"""Ray Data gives the rows of one process, also if a machine dies; skipped where Ray is not installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.jobs.ray_data import _room, run_on_ray
from molediff.molecules.jobs.work import Work

PROGRAM = Path(__file__).parent / "ray_program.py"
SECONDS = 420


def run(*words: str) -> str:
    pytest.importorskip("ray")
    pytest.importorskip("pyarrow")
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_raylet_start_wait_time_s": "300",  # a busy machine starts its nodes slowly
    }
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        raise AssertionError(f"no end after {SECONDS} s:\n{out[-3000:]}") from None
    assert process.returncode == 0, out[-3000:]
    return out


@pytest.mark.parametrize(
    ("resources", "asked", "gpus", "number"),
    [({"CPU": 4.0}, None, 0, 3), ({"CPU": 4.0}, 2, 0, 2), ({"CPU": 8.0, "GPU": 2.0}, None, 1, 2)],
)
def test_one_cpu_stays_free(resources: dict[str, float], asked: int | None, gpus: float, number: int):
    assert _room(resources, asked, gpus) == number


@pytest.mark.parametrize(
    ("resources", "asked", "gpus"), [({"CPU": 4.0}, 4, 0), ({"CPU": 1.0}, None, 0), ({"CPU": 4.0}, None, 1)]
)
def test_a_pool_that_would_hang_is_refused(resources: dict[str, float], asked: int | None, gpus: float):
    with pytest.raises(ValueError, match="CPU"):
        _room(resources, asked, gpus)


def test_without_ray_one_line_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"needs ray, which is not installed: pip install 'molediff\[ray\]'"
    ):
        run_on_ray([MoleculeInput("CCO", "ethanol")], tmp_path, Work("qm9_fast", 1))


@pytest.mark.slow
def test_rows_are_those_of_one_process_and_a_killed_node_loses_none(tmp_path: Path):
    assert "same rows: 60" in run(str(tmp_path), "kill")


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on(tmp_path: Path):
    assert "same rows: 60" in run(str(tmp_path), "resume")
