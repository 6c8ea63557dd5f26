"""Weights whose metadata are of another kind than ours: one ValueError that names the file."""

import json

import pytest
from fake_generators import random_weights
from safetensors.torch import save_file

from molediff.molecules.generator import ConformerGenerator
from molediff.networks.weights import FORMAT, checksum, load_weights


def write(path, text: str) -> None:
    """A file with a right checksum and this text as metadata."""
    tensors = {name: t.contiguous().clone() for name, t in random_weights().state_dict().items()}
    save_file(tensors, path, {"format": FORMAT, "sha256": checksum(tensors, text), "metadata": text})


@pytest.mark.parametrize("text", ["[1, 2]", "null", "7", '"config"', "[" * 100_000, "{", ""])
def test_metadata_that_are_no_mapping_are_refused(text, tmp_path):
    path = tmp_path / "odd.safetensors"
    write(path, text)
    with pytest.raises(ValueError, match=r"metadata of .*odd\.safetensors"):
        load_weights(path)


@pytest.mark.parametrize(
    "metadata",
    [
        {"max_atoms": "x"},
        {"max_atoms": 0},
        {"max_atoms": True},
        {"sampling": 5},
        {"sampling": {"solver": "ddim"}},
        {"sampling": {"solver": 3, "lambdas": [1.0]}},
        {"sampling": {"solver": "ddim", "lambdas": ["a"]}},
        {"sampling": {"solver": "ddim", "lambdas": []}},
        {"config": 3},
        {"config": None},
        {"config": {"network": []}},
    ],
)
def test_values_of_another_kind_are_refused(metadata, tmp_path):
    path = tmp_path / "odd.safetensors"
    write(path, json.dumps(metadata))
    with pytest.raises(ValueError, match=r"odd\.safetensors does not hold a model"):
        ConformerGenerator.from_pretrained(path, device="cpu")


def test_a_config_nested_without_end_is_refused(tmp_path):
    path = tmp_path / "odd.safetensors"
    nested = '{"_target_": "molediff.networks.Perceptron", "a": ' * 300 + "1" + "}" * 300
    write(path, f'{{"config": {{"network": {nested}}}}}')
    with pytest.raises(ValueError, match=r"odd\.safetensors"):
        ConformerGenerator.from_pretrained(path, device="cpu")
