"""The commands, as a user runs them, on weights that were never trained."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from places import SCRIPTS

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.evaluation.particles import run as particles_run
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.weights import save_weights
from molediff.particles import ParticleSamples, dw4

NETWORK = {
    "channels": 8, "vector_channels": 4, "pair_channels": 4, "num_blocks": 1, "num_heads": 2, "num_basis": 4,
    "chiral": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = EquivariantNetwork(**NETWORK)
    config = {
        "network": {"_target_": "molediff.networks.equivariant.EquivariantNetwork", **NETWORK},
        "path": {"_target_": "molediff.core.paths.cosine_vp.CosineVP"},
        "target": {"_target_": "molediff.core.target.V"},
        "space": {"_target_": "molediff.core.geometry.space.ZeroCentreOfMass"},
        "scale": 1.85,
        "data": {"system": "dw4"},
    }
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    model = DiffusionModel(network, CosineVP(), V(), ZeroCentreOfMass(), 1.85)
    save_weights(path, model, {"config": config, "split": "no samples", "minutes": 0.0}, dtype=None)
    return str(path)


@pytest.fixture
def run(tmp_path, monkeypatch, weights):
    """Run a script with arguments in an empty folder, in this process: its imports take seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.syspath_prepend(str(SCRIPTS))

    def command(script: str, *words: str) -> None:
        monkeypatch.setattr(sys, "argv", [script, *words, f"weights={weights}", "threads=1"])
        runpy.run_path(str(SCRIPTS / script), run_name="__main__")

    return command


def test_configurations_with_densities_and_a_film(run, capsys):
    words = ["num_samples=3", "num_nodes=4", "density=true", "output=a/x.npz", "film=a/x.gif"]
    run("sample.py", "sample=particles", *words)
    with np.load("a/x.npz") as arrays:
        assert arrays["x"].shape == (3, 4, 2)
        np.testing.assert_allclose(arrays["log_weight"], -arrays["energy"] - arrays["log_density"])
        np.testing.assert_allclose(arrays["energy"], dw4.energy(arrays["x"]))
    with Image.open("a/x.gif") as film:
        assert film.n_frames > 20
    assert "effective sample fraction" in capsys.readouterr().out


def test_xyz_files_have_a_third_coordinate(run):
    run("sample.py", "sample=particles", "num_samples=2", "num_nodes=4", "output=x.xyz")
    lines = Path("x.xyz").read_text().splitlines()
    assert len(lines) == 2 * 6
    assert lines[0] == "4"
    assert lines[2].startswith("Ar ")
    assert float(lines[2].split()[3]) == 0


@pytest.mark.parametrize(
    ("words", "message"), [(["output=x.sdf"], ".npz or .xyz"), (["output=x.npz", "CCO"], "key=value")]
)
def test_mistakes_are_one_line(run, capsys, words, message):
    with pytest.raises(SystemExit, match="2"):
        run("sample.py", "sample=particles", *words)
    assert message in capsys.readouterr().err


def test_an_evaluation_writes_its_report(run, monkeypatch):
    pytest.importorskip("ot")
    rng = np.random.default_rng(0)
    sets = (rng.normal(0, 2, (60, 4, 2)).astype(np.float32) for _ in range(4))
    known = {"value": 1.0, "standard_error": 0.1}
    facts = {
        "sets": {"train": {"mean_energy": known}},
        "log_normalizer": known,
        "negative_log_likelihood_floor": known,
    }
    samples = ParticleSamples(*sets, facts)
    monkeypatch.setattr(particles_run, "load_samples", lambda *args, **kwargs: samples)
    words = [
        "num_samples=10", "num_held_out=6", "num_checked=2", "num_aligned=4", "num_forces=4", "num_nodes=4",
        "num_processes=1", "lambdas=[4,1]", "output=report", "progress=false",
    ]  # fmt: skip
    run("evaluate.py", "evaluate=particles", *words)
    metrics = json.loads(Path("report/metrics.json").read_text(), parse_constant=pytest.fail)
    assert set(metrics["seeds"]) == {"1", "2", "3"}
    assert "above the floor" in Path("report/report.html").read_text()
    assert len(list(Path("report").glob("*.svg"))) == 4
    drawn = Path("report/draws.npz").read_bytes()
    run("evaluate.py", "evaluate=particles", *words, "draws=report/draws.npz", "output=again")
    assert json.loads(Path("again/metrics.json").read_text())["figures"] == metrics["figures"]
    assert Path("report/draws.npz").read_bytes() == drawn
