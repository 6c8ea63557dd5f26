import importlib
import shutil
from pathlib import Path

import pytest
import torch
from fake_generators import SCALE, random_weights

from molediff.core.paths import CosineVP
from molediff.core.paths import Path as NoisingPath
from molediff.molecules.generator import ConformerGenerator
from molediff.networks.former_names import FORMER_NAMES
from molediff.networks.pretrained import build, find_weights, load_model
from molediff.networks.weights import save_weights

NETWORK = {
    "_target_": "molediff.networks.EquivariantNetwork",
    "node_cardinalities": {
        "_target_": "hydra.utils.get_object",
        "path": "molediff.molecules.NODE_CARDINALITIES",
    },
    "pair_cardinalities": {
        "_target_": "hydra.utils.get_object",
        "path": "molediff.molecules.PAIR_CARDINALITIES",
    },
    "length_scale": SCALE,
    "channels": 16,
    "vector_channels": 8,
    "pair_channels": 8,
    "num_trunk_blocks": 1,
    "num_blocks": 2,
    "num_heads": 4,
    "num_basis": 8,
}
CONFIG = {
    "network": NETWORK,
    "path": {"_target_": "molediff.core.CosineVP"},
    "target": {"_target_": "molediff.core.V"},
    "space": {"_target_": "molediff.core.ZeroCentreOfMass"},
    "scale": SCALE,
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(path, random_weights(), {"config": CONFIG, "max_atoms": 5}, dtype=None)
    return path


def test_loaded_model_is_the_saved_one(weights):
    generator = ConformerGenerator.from_pretrained(weights, device="cpu")
    saved = random_weights().state_dict()
    assert all(torch.equal(tensor, saved[name]) for name, tensor in generator.model.state_dict().items())
    assert generator.model.path == CosineVP()
    assert generator.model.scale == SCALE
    assert not generator.model.training
    assert generator.metadata["max_atoms"] == 5


def test_a_file_that_says_there_is_no_prior_loads(tmp_path):
    save_weights(tmp_path / "plain.safetensors", random_weights(), {"config": {**CONFIG, "prior": None}})
    load_model(tmp_path / "plain.safetensors")


def test_a_model_with_a_prior_is_refused_in_one_sentence(tmp_path):
    config = {**CONFIG, "prior": {"_target_": "molediff.core.harmonic.HarmonicPrior", "ridge": 0.01}}
    save_weights(tmp_path / "prior.safetensors", random_weights(), {"config": config})
    with pytest.raises(
        ValueError, match=r"prior\.safetensors: .*harmonic prior, which this version no longer has"
    ):
        load_model(tmp_path / "prior.safetensors")


def test_missing_name_lists_what_there_is():
    with pytest.raises(FileNotFoundError, match=r"No weights 'qm99' .*install molediff again"):
        ConformerGenerator.from_pretrained("qm99")


def test_missing_file_is_named():
    for nothing in (None, 3, ""):
        with pytest.raises(FileNotFoundError, match="a name or the path"):
            find_weights(nothing)
    with pytest.raises(FileNotFoundError, match=r"nowhere/w\.safetensors"):
        ConformerGenerator.from_pretrained("nowhere/w.safetensors")


def test_tampered_file_is_refused(weights, tmp_path):
    path = tmp_path / "tampered.safetensors"
    data = bytearray(weights.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"tampered\.safetensors"):
        ConformerGenerator.from_pretrained(path)


def test_file_cut_short_is_refused(weights, tmp_path):
    path = shutil.copy(weights, tmp_path / "short.safetensors")
    with open(path, "r+b") as file:
        file.truncate(1000)
    with pytest.raises(ValueError, match=r"short\.safetensors"):
        ConformerGenerator.from_pretrained(path)


@pytest.mark.parametrize(
    "changed",
    [
        {"network": {**NETWORK, "channels": 32}},
        {"network": {**NETWORK, "unheard_of": 1}},
        {"network": {"_target_": "molediff.networks.NoSuchNetwork"}},
        {"network": {"_target_": ["os.system"]}},
        {"path": {"_target_": "molediff.core.V"}},
        {"scale": None},
    ],
)
def test_config_that_does_not_fit_names_the_file(tmp_path, changed):
    path = tmp_path / "other.safetensors"
    save_weights(path, random_weights(), {"config": {**CONFIG, **changed}})
    with pytest.raises(ValueError, match=r"other\.safetensors does not hold a model"):
        ConformerGenerator.from_pretrained(path)


def test_nothing_outside_the_package_is_built(tmp_path):
    path = tmp_path / "hostile.safetensors"
    hostile = {**CONFIG, "network": {"_target_": "os.system", "command": "true"}}
    save_weights(path, random_weights(), {"config": hostile})
    with pytest.raises(
        ValueError, match=r"hostile\.safetensors: it names os\.system.* give allow=\[\"os\"\]"
    ):
        load_model(path)
    with pytest.raises(TypeError, match="is not a Path"):
        build({"_target_": "subprocess.Popen", "args": "true"}, NoisingPath, allow=["subprocess"])
    with pytest.raises(TypeError, match="is not a Path"):
        build({"_target_": "molediff.networks.load_weights", "path": "x"}, NoisingPath)


def test_a_network_of_ones_own_loads_when_its_package_is_allowed(tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text(
        "from molediff.networks import EquivariantNetwork\n\n\nclass MyNetwork(EquivariantNetwork):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "mine.safetensors"
    config = {**CONFIG, "network": {**NETWORK, "_target_": "my_networks.MyNetwork"}}
    save_weights(path, random_weights(), {"config": config}, dtype=None)
    with pytest.raises(ValueError, match="my_networks"):
        ConformerGenerator.from_pretrained(path)
    generator = ConformerGenerator.from_pretrained(path, allow=["my_networks"])
    assert type(generator.model.network).__name__ == "MyNetwork"


@pytest.mark.parametrize("name", FORMER_NAMES.values())
def test_former_names_mean_something_public(name):
    room, public = name.rsplit(".", 1)
    assert room.count(".") == 1
    assert hasattr(importlib.import_module(room), public)


def test_a_folder_of_that_name_is_not_in_the_way(tmp_path, monkeypatch):
    (tmp_path / "qm9").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_weights("qm9").is_file()
