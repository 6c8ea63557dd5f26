"""The model: input scaling, what the network sees, encoding once, units."""

import pytest
import torch
from core.exact import gaussian, path_name, random_mixture
from torch import nn

from molediff.core.geometry.space import FullSpace, ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP, GeometricVE, LinearVP, expand_like
from molediff.core.solvers import Heun, uniform_lambda
from molediff.core.target import EDMOutput, Epsilon, Sample, Score, V, Velocity, convert

TARGETS = [Epsilon(), Sample(), V(), Score(), Velocity(), EDMOutput()]


class Exact(nn.Module):
    """A perfect network for a mixture: gets the scaled x and lambda only, and returns the target."""

    def __init__(self, data, target):
        super().__init__()
        self.data, self.target = data, target

    def forward(self, x, lambda_, condition):
        path = self.data.path
        t = path.t_of_lambda(lambda_)
        x_t = x * expand_like((path.alpha(t) ** 2 + path.sigma(t) ** 2).sqrt(), x)
        return convert(self.data.denoiser(x_t, t), x_t, t, path, Sample(), self.target)


@pytest.mark.parametrize("target", TARGETS, ids=repr)
@pytest.mark.parametrize("path", [LinearVP(), CosineVP(), GeometricVE()], ids=path_name)
def test_every_target_gives_the_same_denoiser(target, path):
    data = random_mixture(path, 3, 4)
    model = DiffusionModel(Exact(data, target), path, target, FullSpace())
    x, t = data.sample(30, 0.5, torch.Generator().manual_seed(0)), torch.full((30,), 0.5, dtype=torch.float64)
    torch.testing.assert_close(model.denoiser()(x, t), data.denoiser(x, t), rtol=1e-7, atol=1e-7)


def test_samples_through_the_model_have_the_exact_moments():
    path = CosineVP()
    data = gaussian(path, [1.0, -0.5], [[0.5, 0.3], [0.3, 0.4]])
    model = DiffusionModel(Exact(data, V()), path, V(), FullSpace())
    mean_1, covariance_1 = data.moments(path.t_max)
    x_1 = torch.cat([mean_1[None], mean_1 + torch.linalg.cholesky(covariance_1).T])
    x = Heun().sample(model.denoiser(), path, uniform_lambda(path, 200), x_1)
    mean, covariance = data.moments(path.t_min)
    torch.testing.assert_close(x[0], mean, rtol=0, atol=2e-3)
    torch.testing.assert_close((x[1:] - x[0]).T @ (x[1:] - x[0]), covariance, rtol=0, atol=2e-3)


class Encoding:
    """What a network may make of a condition."""

    def __init__(self, mask):
        self.mask = mask


class Recorder(nn.Module):
    """Remembers what it is given and returns ones."""

    def __init__(self):
        super().__init__()
        self.num_encoded, self.seen = 0, []

    def encode(self, condition):
        self.num_encoded += 1
        return Encoding(condition)

    def forward(self, x, lambda_, condition):
        self.seen.append((x, lambda_, condition))
        return torch.ones_like(x, dtype=torch.bfloat16) * torch.arange(1, x.shape[1] + 1)[:, None]


def test_the_condition_is_encoded_once_and_its_mask_projects():
    network = Recorder()
    model = DiffusionModel(network, CosineVP(), V(), ZeroCentreOfMass())
    mask = torch.arange(5)[None] < torch.tensor([3, 5])[:, None]
    denoiser = model.denoiser(mask)
    for _ in range(3):
        denoiser(torch.zeros(2, 5, 3), torch.full((2,), 0.5))
    assert network.num_encoded == 1
    pred = model.predict(torch.zeros(2, 5, 3), torch.full((2,), 0.5), network.seen[0][2])
    assert pred.dtype == torch.float32
    assert (pred[0, 3:] == 0).all()
    torch.testing.assert_close(pred[0, :3, 0], torch.tensor([-1.0, 0.0, 1.0]))


def test_the_network_sees_unit_variance_and_lambda():
    network, path = Recorder(), GeometricVE()
    model = DiffusionModel(network, path, EDMOutput(), FullSpace())
    t = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    g = torch.Generator().manual_seed(0)
    x_0, eps = torch.randn(2, 3, 5000, 1, generator=g, dtype=torch.float64)
    model.predict(x_0 + path.sigma(t)[:, None, None] * eps, t)
    x, lambda_, _ = network.seen[0]
    torch.testing.assert_close(x.flatten(1).std(1), torch.ones(3, dtype=torch.float64), rtol=0, atol=0.05)
    torch.testing.assert_close(lambda_, path.lambda_(t))


def test_a_scale_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="got 0"):
        DiffusionModel(nn.Identity(), CosineVP(), V(), FullSpace(), scale=0.0)
