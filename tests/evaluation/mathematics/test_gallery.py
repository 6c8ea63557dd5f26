"""The commands that make the gallery, with the smallest settings."""

import json
import runpy
import sys

import pytest
from places import SCRIPTS


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `benchmark.py` with overrides of one benchmark's keys in an empty folder; return its JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.syspath_prepend(str(SCRIPTS))

    def command(benchmark, *overrides):
        words = [f"benchmark={benchmark}", "output=out.json", *(f"benchmark.{word}" for word in overrides)]
        monkeypatch.setattr(sys, "argv", ["benchmark.py", *words])
        runpy.run_path(str(SCRIPTS / "benchmark.py"), run_name="__main__")
        return json.loads((tmp_path / "out.json").read_text())

    return command


def test_solvers(run, tmp_path, capsys):
    result = run(
        "solvers",
        "folder=pictures",
        "errors.paths=[straight]",
        "errors.num_evaluations=[5,10]",
        "errors.num_flows=10",
        "errors.num_samples=20",
        "weak_orders.num_steps=[4,8]",
        "quality.num_evaluations=[5]",
        "quality.num_samples=20",
        "overhead.num_samples=0",
        "gradients.num_samples=100",
    )
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "ode_against_sde.png",
        "solver_errors.png",
        "solver_laws.png",
    ]
    curves = {curve["solver"]: curve for curve in result["figures"]["errors"]["curves"]}
    assert len(curves["DPM-Solver++(2M)"]["errors"]) == 2
    assert "DPM-Solver++(2M)" in capsys.readouterr().out


def test_schedules(run, tmp_path, capsys):
    result = run(
        "schedules",
        "folder=pictures",
        "melting.num_samples=100",
        "quality.num_evaluations=[4]",
        "quality.num_samples=20",
    )
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "melting.png",
        "schedules.png",
    ]
    assert len(result["figures"]["schedules"]) == 8
    assert "half molten" in capsys.readouterr().out


def test_films(run, tmp_path):
    few = [f"{film}.{key}=2" for film in ("density", "trajectories") for key in ("num_frames", "num_walkers")]
    result = run("films", "folder=pictures", *few)
    assert result["figures"] == {path.name: path.stat().st_size for path in (tmp_path / "pictures").iterdir()}
