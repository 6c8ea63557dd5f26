"""Weights files: what is written is read, and nothing else is."""

from pathlib import Path

import pytest
import torch
from torch import nn

from molediff.networks.weights import load_weights, save_weights


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 3))


def test_round_trip_without_loss(module: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.safetensors"
    save_weights(path, module, {"config": {"scale": 1.5}, "samples_seen": 7}, dtype=None)
    tensors, metadata = load_weights(path)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensors[name], tensor)
    assert metadata["config"] == {"scale": 1.5}
    assert len(metadata["sha256"]) == 64
    assert [file.name for file in path.parent.iterdir()] == ["a.safetensors"]


def test_half_precision_moves_weights_by_less_than_a_thousandth(module: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_weights(path, module, {})
    tensors, _ = load_weights(path)
    for name, tensor in module.state_dict().items():
        assert tensors[name].dtype == torch.float32
        torch.testing.assert_close(tensors[name], tensor, rtol=1e-3, atol=1e-6)


def test_one_changed_bit_is_found(module: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_weights(path, module, {})
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.safetensors is damaged or was altered"):
        load_weights(path)


def test_changed_metadata_is_found(module: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_weights(path, module, {"scale": 1.3851})
    content = path.read_bytes()
    assert b"1.3851" in content
    path.write_bytes(content.replace(b"1.3851", b"1.3951"))
    with pytest.raises(ValueError, match="was altered"):
        load_weights(path)


def test_cut_file_is_refused(module: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_weights(path, module, {})
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="not a readable weights file"):
        load_weights(path)


def test_foreign_file_and_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"PK not tensors at all")
    with pytest.raises(ValueError, match="not a readable weights file"):
        load_weights(path)
    with pytest.raises(FileNotFoundError, match=r"b\.safetensors"):
        load_weights(tmp_path / "b.safetensors")


def test_weights_that_are_not_finite_are_not_saved_and_leave_the_old_file(
    module: nn.Module, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    save_weights(path, module, {})
    before = path.read_bytes()
    with torch.no_grad():
        next(module.parameters())[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"0\.weight"):
        save_weights(path, module, {})
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
