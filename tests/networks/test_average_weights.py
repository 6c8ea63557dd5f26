"""The script that averages weights: what it writes, and one line where it cannot."""

import pytest
import torch
from in_process import run_script

from molediff.networks.pretrained import find_weights
from molediff.networks.weights import load_weights


def test_the_mean_of_weights_with_themselves_is_the_weights(tmp_path):
    output = tmp_path / "mean.safetensors"
    assert run_script("average_weights.py", "dw4", find_weights("dw4"), 0.5, output, folder=tmp_path) == 0
    (tensors, metadata), (own, its) = load_weights(output), load_weights(find_weights("dw4"))
    assert all(torch.allclose(tensors[name], one, rtol=1e-3, atol=1e-6) for name, one in own.items())
    assert metadata["averaged"] == {its["sha256"]: 0.5}


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
