"""The blocks of docs/extending.md do what the text around them says."""

import re
import sys

import numpy as np
import pytest
import torch
from places import ROOT

from molediff.networks.pretrained import load_model

BLOCKS = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(encoding="utf-8"), re.S
)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What all blocks define, run one after another in an empty folder."""
    folder, defined = tmp_path_factory.mktemp("extending"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        for block in BLOCKS:
            exec(compile(block, "docs/extending.md", "exec"), defined)
        yield defined
    sys.modules.pop("my_package", None)


def test_a_data_set_gives_batches(names):
    x_0, _, mask = next(iter(names["data"].train_dataloader()))
    assert x_0.shape == (*mask.shape, 3)
    assert mask.any(1).all()


def test_a_network_is_trained_saved_and_loaded_by_who_allows_it(names):
    assert names["task"].global_step == 3
    for name, value in names["model"].state_dict().items():
        torch.testing.assert_close(names["loaded"].state_dict()[name], value, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match=r'allow=\["my_package"\]'):
        load_model("mine.safetensors")


def test_a_solver_gives_conformers(names):
    assert names["result"].num_conformers == 2
    assert "Twice" in str(names["result"].provenance)


def test_a_schedule_is_a_path_and_a_chain_on_it(names):
    path, chain = names["slow_then_fast"], names["chain"]
    t = torch.tensor([0.25, 0.5, 1.0], dtype=torch.float64)
    torch.testing.assert_close(path.log_alpha(t), -0.5 * (0.1 * t + 10 * t**4))
    torch.testing.assert_close(chain.log_alpha(t), path.log_alpha(t))
    assert 0 < float(names["variance"]) < chain.betas[49]
    assert bool((names["mean"] > 0.9).all())


def test_a_force_moves_the_samples_as_far_as_it_should(names):
    shifted = names["shifted"]
    assert abs(float(shifted.mean()) - 2) < 0.1
    assert abs(float(shifted.std()) - 1) < 0.1


def test_a_check_decides_what_is_handed_out(names):
    checked = names["checked"]
    assert checked.num_conformers == 4
    assert names["Compact"](checked.mol).passes(checked.ensemble.coordinates).all()
    assert "too_long" in checked.num_rejected


def test_a_metric_is_in_the_table_and_right(names):
    assert "size" in names["text_table"](names["found"])
    ours = next(method for method in names["found"].methods if method.name == "ours")
    measured = ours.molecules[0]["size"]
    x = ours.molecules[0].conformers.GetConformer(0).GetPositions()
    assert measured[0] == pytest.approx(np.sqrt(((x - x.mean(0)) ** 2).sum(1).mean()))
