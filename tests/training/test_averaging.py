"""The moving average of the weights."""

import pytest
import torch
from pytorch_lightning import LightningModule

from molediff.training.averaging import ExponentialMovingAverage


class Weight(LightningModule):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(()))


def averaged(values, decay):
    callback, module = ExponentialMovingAverage(decay), Weight()
    callback.setup(None, module, "fit")
    for value in values:
        module.w.data.fill_(value)
        callback._average_model.update_parameters(module)
    with callback.swapped(module):
        return float(module.w.detach()), callback, module


def test_decay_warms_up_and_then_is_what_was_asked():
    values = torch.linspace(1, 2, 200).tolist()
    expected = values[0]
    for n, value in enumerate(values[1:], start=1):
        decay = min(0.9, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
    assert averaged(values, 0.9)[0] == pytest.approx(expected, rel=1e-5)


def test_swapped_gives_the_average_and_puts_the_weights_back():
    average, callback, module = averaged([0.0, 1.0], 0.5)
    with callback.swapped(module):
        assert module.w.item() == average != 1.0
    assert module.w.item() == 1.0
