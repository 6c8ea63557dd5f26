"""What benchmark=device measures is there, and its shares add up."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from molediff.evaluation.conformers.benchmark.device import counted_products, measure, products, repeated
from molediff.networks import products as of_networks


def measured(device: str, sizes: list[int]) -> dict[str, Any]:
    def no_training(words: Any) -> Any:
        raise AssertionError("training is left out")

    training = {"overrides": [], "batch_sizes": []}
    return measure("qm9_fast", device, 1, sizes, 0.01, training, no_training)


def test_figures_of_a_cpu(capsys: pytest.CaptureFixture[str]):
    figures = measured("cpu", [256])
    assert figures["sampling"][0]["batch_atoms"] == 256
    assert figures["sampling"][0]["conformers_per_second"] > 0
    assert 0 < figures["sampling"][0]["share_of_peak"] < 1
    assert sum(figures["parts"].values()) == pytest.approx(1, abs=1e-6)
    assert figures["parts"]["network and solver"] > figures["parts"]["results"]
    assert "conformers/s" in capsys.readouterr().out


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_figures_of_a_gpu():
    figures = measured("cuda", [1024, 131072])
    small, large = (row["conformers_per_second"] for row in figures["sampling"])
    assert large > small


def test_rates_are_those_of_the_clock():
    calls: list[int] = []
    rate, num = repeated(lambda: calls.append(1), torch.device("cpu"), 0.02)
    assert len(calls) == num + 1
    assert rate == pytest.approx(num / 0.02, rel=0.5)


def test_products_are_counted_as_two_operations_each(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("molediff.evaluation.conformers.benchmark.device.repeated", lambda *_: (2.0, 1))
    assert products(torch.device("cpu"), torch.float32) == 2.0 * 2 * 1536**3


def test_products_by_one_dnn_are_counted(monkeypatch: pytest.MonkeyPatch):
    x, weight = torch.ones(5, 3), torch.ones(4, 3)
    monkeypatch.setattr(of_networks, "_pays", lambda *_: True)
    with torch.inference_mode(), counted_products() as counter:
        of_networks.linear(x, weight)
    assert counter.get_total_flops() == 2 * 5 * 3 * 4
