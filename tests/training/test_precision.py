"""Choice of the number format and of the device."""

import pytest
import torch

from molediff.training.precision import choose_accelerator, choose_precision


def test_what_is_asked_for_is_given():
    assert choose_precision("32-true", "cpu") == "32-true"
    assert choose_accelerator("cpu") == "cpu"


@pytest.mark.parametrize(("amx", "avx", "expected"), [(True, False, "bf16-mixed"), (False, False, "32-true")])
def test_auto_follows_the_processor(monkeypatch, amx, avx, expected):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx)
    assert choose_precision("auto", "cpu") == expected


def test_missing_device_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_accelerator("auto") == "cpu"
    with pytest.raises(ValueError, match="device=cpu"):
        choose_accelerator("cuda")
    with pytest.raises(ValueError, match="tpu"):
        choose_accelerator("tpu")
