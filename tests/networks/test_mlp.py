"""The perceptron: rows apart, the noise level felt, zero at the start."""

import torch

from molediff.networks.mlp import Perceptron


def trained(seed=0):
    """A network whose last layer is not zero."""
    torch.manual_seed(seed)
    network = Perceptron(3, channels=16, num_blocks=2)
    torch.nn.init.normal_(network.leave.weight)
    return network


def test_the_first_prediction_is_zero():
    assert (Perceptron(3)(torch.randn(4, 3), torch.zeros(4)) == 0).all()


def test_rows_do_not_know_each_other():
    network, x, lambda_ = trained(), torch.randn(5, 3), torch.linspace(-3, 3, 5)
    torch.testing.assert_close(network(x, lambda_)[2:3], network(x[2:3], lambda_[2:3]))


def test_the_noise_level_matters():
    network, x = trained(), torch.randn(5, 3)
    assert not torch.allclose(network(x, torch.zeros(5)), network(x, torch.full((5,), 0.3)), atol=1e-3)
