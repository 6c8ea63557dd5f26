"""`benchmark=conformers` with the smallest settings, killed and gone on with."""

import json

import pytest
from omegaconf import OmegaConf
from places import ROOT

from molediff.evaluation.conformers.benchmark import run as benchmark


@pytest.fixture
def settings(tmp_path):
    """Two molecules, one solver, one and two evaluations."""
    config = OmegaConf.to_container(OmegaConf.load(ROOT / "configs" / "benchmark" / "conformers.yaml"))
    first = next(iter(config["solvers"]))
    del config["run"]
    return config | {
        "folder": str(tmp_path),
        "references": str(ROOT / "data" / "demo.sdf"),
        "num_molecules": 2,
        "evaluations": [1, 2],
        "solvers": {first: config["solvers"][first]},
        "relaxed": [2],
        "shown": [2],
        "strain": {"num_molecules": 0, "num_conformers": 1},
        "hard": {**config["hard"], "num_scanned": 0},
        "progress": False,
    }


def test_a_killed_run_goes_on_with_the_rows_that_are_missing(settings, tmp_path, monkeypatch, capsys):
    measured, measure_row = [], benchmark.measure_row

    def counted(contender, *arguments):
        if contender.name == killed:
            raise KeyboardInterrupt
        measured.append(contender.name)
        return measure_row(contender, *arguments)

    monkeypatch.setattr(benchmark, "measure_row", counted)
    killed = benchmark.Ours.name(next(iter(settings["solvers"])), 2)
    with pytest.raises(KeyboardInterrupt):
        benchmark.measure(**settings)
    assert len(list((tmp_path / "rows").iterdir())) == len(measured) == 5
    killed = None
    figures = benchmark.measure(**settings)
    assert len(measured) == len(set(measured)) == 9
    assert [row["name"] for row in figures["rows"]] == measured
    json.dumps(figures, allow_nan=False)
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "coverage.png",
        "evaluations.png",
        "seconds.png",
    }
    assert "ETKDGv3 + MMFF94s" in (tmp_path / "table.txt").read_text()
    assert "times compare only within one" in capsys.readouterr().out
