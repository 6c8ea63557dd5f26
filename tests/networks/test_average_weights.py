"""The script that averages weights: what it writes, and one line where it cannot."""

import json

import pytest
import torch
from in_process import run_script

from molediff.commands.cards import as_text
from molediff.commands.weights import facts_of
from molediff.networks.pretrained import find_weights
from molediff.networks.weights import load_weights


def test_the_mean_of_weights_with_themselves_is_the_weights(tmp_path):
    output = tmp_path / "mean.safetensors"
    assert run_script("average_weights.py", "dw4", find_weights("dw4"), 0.5, output, folder=tmp_path) == 0
    (tensors, metadata), (own, its) = load_weights(output), load_weights(find_weights("dw4"))
    assert all(torch.allclose(tensors[name], one, rtol=1e-3, atol=1e-6) for name, one in own.items())
    assert metadata["averaged"] == [{"name": "dw4", "sha256": its["sha256"], "share": 0.5}] * 2


def test_the_card_of_an_average_says_of_which_files_and_how_much(tmp_path, capsys):
    first, output = tmp_path / "run" / "weights.safetensors", tmp_path / "mean.safetensors"
    assert (
        run_script("average_weights.py", "dw4", "dw4", 0.5, "run/weights.safetensors", folder=tmp_path) == 0
    )
    assert run_script("average_weights.py", first, "dw4", 0.75, output, folder=tmp_path) == 0
    sha256 = [load_weights(one)[1]["sha256"][:8] for one in (first, find_weights("dw4"))]
    text = " ".join(as_text("mean", facts_of(output), None).split())
    assert f"average of 0.25 of run/weights.safetensors ({sha256[0]}), 0.75 of dw4 ({sha256[1]})" in text
    assert str(tmp_path) not in json.dumps(load_weights(output)[1])


def test_older_files_say_it_otherwise():
    assert "average of" in as_text("drugs", facts_of(find_weights("drugs")), None)
    distilled = as_text("qm9_distilled", facts_of(find_weights("qm9_distilled")), None)
    assert "0.25 of ed4aeceb, 0.75 of 3da00d71" in distilled


def test_help_tells_what_is_to_be_given(tmp_path, capsys):
    assert run_script("average_weights.py", "--help", folder=tmp_path) == 0
    told = capsys.readouterr().out
    for words in ("A B SHARE_OF_B OUTPUT", "0 to 1: what B counts", "example", "averaged"):
        assert words in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dw44", "dw4", 0.5), "did you mean 'dw4'?"),
        (("dw4", "lj13", 0.5), "two different networks"),
        (("dw4", "dw4", "half"), "SHARE_OF_B must be a number between 0 and 1; got 'half'"),
        (("dw4", "dw4", 2), "SHARE_OF_B must be between 0 and 1; got 2"),
    ],
)
def test_what_cannot_be_averaged_is_told_in_one_line(tmp_path, capsys, words, said):
    assert run_script("average_weights.py", *words, "mean.safetensors", folder=tmp_path) != 0
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not list(tmp_path.iterdir())
