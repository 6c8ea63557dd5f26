"""The commands, as a user runs them, on weights that were never trained."""

import json
import runpy
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from places import SCRIPTS

from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.networks.unet import UNet
from molediff.networks.weights import save_weights

NETWORK = {"size": 8, "num_classes": 10, "channels": 8, "multipliers": [1, 2], "num_blocks": 1}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    torch.manual_seed(0)
    model = DiffusionModel(UNet(**{**NETWORK, "multipliers": (1, 2)}), CosineVP(), V(), FullSpace(), 0.8)
    config = {
        "network": {"_target_": "molediff.networks.unet.UNet", **NETWORK},
        "path": {"_target_": "molediff.core.paths.cosine_vp.CosineVP"},
        "target": {"_target_": "molediff.core.target.V"},
        "space": {"_target_": "molediff.core.geometry.space.FullSpace"},
        "scale": 0.8,
    }
    split = {
        "description": "digits",
        "size": 8,
        "channels": 1,
        "num_levels": 17,
        "class_names": list("0123456789"),
    }
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(path, model, {"config": config, "split": split, "minutes": 0.0}, dtype=None)
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


def test_picture_array_and_film(run, tmp_path, capsys):
    run(
        *("sample.py", "sample=images", "label=7", "num_images=5", "num_steps=3", "columns=5", "guidance=1"),
        *("output=out/grid.png", "array=out/grid.npz", "film=out/film.gif", "film_steps=4", "film_images=2"),
    )
    assert "5 images in out/grid.png, out/grid.npz, out/film.gif" in capsys.readouterr().out
    assert Image.open(tmp_path / "out/grid.png").size == (2 + 5 * 42, 2 + 42)
    array = np.load(tmp_path / "out/grid.npz")
    assert array["images"].shape == (5, 8, 8, 1)
    assert array["labels"].tolist() == [7] * 5
    assert Image.open(tmp_path / "out/film.gif").n_frames == 5


def test_one_row_for_every_class(run, tmp_path):
    run("sample.py", "sample=images", "by_class=true", "num_images=3", "num_steps=2", "array=rows.npz")
    assert Image.open(tmp_path / "images.png").size == (2 + 3 * 42, 2 + 10 * 42)
    assert np.load(tmp_path / "rows.npz")["labels"].tolist() == np.repeat(np.arange(10), 3).tolist()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["CCO"], "key=value settings alone"),
        (["label=11"], "label must be None, 0 to 9"),
        (["guidance=2"], "guidance=2 needs a label"),
        (["by_class=true", "label=1"], "leave label out"),
        (["solver=heun", "eta=0.5"], "Heun has no eta"),
    ],
)
def test_mistakes_end_with_one_line(run, capsys, words, message):
    with pytest.raises(SystemExit) as error:
        run("sample.py", "sample=images", *words)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_more_images_than_training_images_have_no_floor(run, capsys):
    with pytest.raises(SystemExit):
        run("evaluate.py", "evaluate=images", "latent=null", "num_images=2000", "classifier_epochs=0")
    assert "at most as many images as the 1197 training images" in capsys.readouterr().err


def test_report_figures_and_pictures(run, tmp_path, capsys):
    run(
        *(
            "evaluate.py",
            "evaluate=images",
            "latent=null",
            "output=out",
            "classifier_epochs=1",
            "num_images=20",
        ),
        *("num_steps=2", "guidance=[0,1]", "num_guided=20", "num_swept=8", "num_evaluations=[2]"),
        *("more_evaluations=[3]", "num_many=4", "many_evaluations=4", "num_likelihoods=0", "picture_steps=2"),
    )
    names = {path.name for path in (tmp_path / "out").iterdir()}
    pictures = {f"{name}.png" for name in ("classes", "guidance", "nearest", "inpainting", "interpolation")}
    assert names == {"report.html", "metrics.json", "film.gif"} | pictures
    metrics = json.loads((tmp_path / "out/metrics.json").read_text(), parse_constant=pytest.fail)
    assert [len(metrics[key]) for key in ("quality", "guidance", "solvers", "many_evaluations")] == [
        3,
        2,
        6,
        2,
    ]
    assert metrics["latent_against_pixel"] == {}
    assert (tmp_path / "out/report.html").stat().st_size < 2_000_000
    assert "of the test images right" in capsys.readouterr().out
