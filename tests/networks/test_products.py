"""Products by oneDNN are those of torch, and used only where nothing else could be meant."""

import pytest
import torch

from molediff.networks import products
from molediff.networks.products import Linear


@pytest.fixture
def one_dnn(monkeypatch):
    """As on a processor where oneDNN is faster; counts its products."""
    if not products._is_right():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(products, "one_dnn_is_faster", lambda: True)
    calls, pays = [], products._pays

    def counted(x, weight):
        calls.append(pays(x, weight))
        return calls[-1]

    monkeypatch.setattr(products, "_pays", counted)
    return calls


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4096, 64), (16, 20, 20, 64), (1, 4000, 64)])
def test_large_products_are_those_of_torch(one_dnn, shape, bias):
    torch.manual_seed(0)
    layer, x = Linear(64, 48, bias=bias), torch.randn(shape)
    with torch.inference_mode():
        found = layer(x)
        torch.testing.assert_close(found, torch.nn.functional.linear(x, layer.weight, layer.bias))
    assert one_dnn == [True]


def test_products_of_parts_of_tensors_are_right(one_dnn):
    torch.manual_seed(0)
    layer, x = Linear(64, 48), torch.randn(64, 4096)
    with torch.inference_mode():
        expected = x.T.contiguous() @ layer.weight[8:].T + layer.bias[8:]
        torch.testing.assert_close(products.linear(x.T, layer.weight[8:], layer.bias[8:]), expected)
    assert one_dnn == [True]


def test_small_half_and_double_products_are_left_to_torch(one_dnn):
    layer = Linear(64, 48)
    with torch.inference_mode():
        layer(torch.randn(100, 64))
        layer.double()(torch.randn(4096, 64, dtype=torch.float64))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert layer.float()(torch.randn(4096, 64)).dtype == torch.bfloat16
    assert one_dnn == [False] * 3


def test_gradients_go_by_torch(one_dnn):
    layer = Linear(64, 48)
    layer(torch.randn(4096, 64)).sum().backward()
    assert layer.weight.grad is not None
    assert one_dnn == []


def test_an_entry_that_has_gone_or_changed_is_not_used(monkeypatch):
    class Changed:
        @staticmethod
        def _linear_pointwise(x, weight, bias, *_):
            return x @ weight.T

    class Ops:
        mkldnn = Changed

    monkeypatch.setattr(torch, "ops", Ops)
    assert not products._is_right()
    monkeypatch.setattr(torch, "ops", object())
    assert not products._is_right()
