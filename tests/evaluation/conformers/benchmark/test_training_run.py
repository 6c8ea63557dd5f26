"""`benchmark=conformer_training` with the smallest settings: every variant is a run of train.py, measured once."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from places import ROOT

from molediff.commands.training import run_train
from molediff.evaluation.conformers.benchmark import training_run

CONFIG = OmegaConf.to_container(OmegaConf.load(ROOT / "configs" / "benchmark" / "conformer_training.yaml"))


def test_every_variant_changes_what_is_trained_and_no_two_are_alike():
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        found = {
            variant: OmegaConf.to_yaml(compose("train", [*CONFIG["common"], *words]))
            for variant, words in CONFIG["variants"].items()
        }
    assert len(found) > 10
    assert len(set(found.values())) == len(found)


def test_a_variant_is_trained_and_measured_once(tmp_path, monkeypatch, capsys):
    settings = {
        "folder": str(tmp_path),
        "references": str(ROOT / "data" / "demo.sdf"),
        "num_molecules": 1,
        "seeds": [0],
        "seed": 1,
        "evaluations": [2],
        "common": ["experiment=smoke", "max_steps=2", "trainer.sample_minutes=0"],
        "train": run_train,
        "variants": {"plain": [], "left out": None, "straight path": ["path=straight", "target=velocity"]},
    }
    found = training_run.measure(**settings)
    assert [[row["steps"] for row in rows] for rows in found["variants"].values()] == [[2], [2]]
    monkeypatch.setattr(training_run, "run_training", lambda *_: pytest.fail("it is trained again"))
    assert training_run.measure(**settings) == found
    assert "| straight path | 1 |" in (tmp_path / "table.md").read_text()
    assert "data/demo.sdf" in capsys.readouterr().out


def test_a_run_that_fails_names_its_log(tmp_path):
    with pytest.raises(SystemExit, match=r"failed: see .*train\.log"):
        training_run.run_training(tmp_path / "run", ["experiment=nothing"], run_train)
    assert "nothing" in (tmp_path / "run" / "train.log").read_text()
