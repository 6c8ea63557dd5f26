"""Log-densities by the ODE against closed forms."""

import math

import pytest
import torch
from core.exact import CentredMixture, gaussian, generators, path_name, random_mixture

from molediff.core.density.divergence import denoised_with_trace
from molediff.core.density.likelihood import (
    ExactTrace,
    GaussLegendre,
    Hutchinson,
    RungeKutta4,
    log_prob,
    sample_with_log_prob,
)
from molediff.core.geometry.space import FullSpace, ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP, LinearVP, Straight, expand_like
from molediff.core.solvers import Ancestral, Dopri5, Heun
from molediff.core.target import V
from molediff.networks.equivariant import EquivariantNetwork


def at_t_min(data, path, num):
    x = data.sample(num, path.t_min, torch.Generator().manual_seed(0))
    return x, data.log_prob(x, torch.full((num,), path.t_min, dtype=torch.float64))


@pytest.mark.parametrize("num_dimensions", [1, 4, 32])
def test_gaussian_log_density_to_1e_4(num_dimensions):
    path = CosineVP()
    g = torch.Generator().manual_seed(num_dimensions)
    root = torch.randn(num_dimensions, num_dimensions, generator=g, dtype=torch.float64) / num_dimensions**0.5
    covariance = 0.5 * root @ root.T + 0.2 * torch.eye(num_dimensions, dtype=torch.float64)
    data = gaussian(path, [0.0] * num_dimensions, covariance.tolist())
    x, exact = at_t_min(data, path, 10)
    found = log_prob(data.denoiser, path, x, solver=RungeKutta4(60))
    torch.testing.assert_close(found.log_prob, exact, rtol=0, atol=1e-4)
    assert (found.standard_error == 0).all()


@pytest.mark.parametrize("path", [CosineVP(), Straight()], ids=path_name)
@pytest.mark.parametrize("solver", [RungeKutta4(200), Dopri5(1e-6, 1e-6)], ids=repr)
def test_mixture_log_density(path, solver):
    """The prior knows the variance of the data only as one, which costs alpha^2 = 8e-7 at t_max, and its
    mean as zero."""
    data = random_mixture(path, 3, 3)
    x, exact = at_t_min(data, path, 20)
    torch.testing.assert_close(
        log_prob(data.denoiser, path, x, solver=solver).log_prob, exact, rtol=0, atol=1e-4
    )


def test_log_density_in_the_centred_subspace():
    path = CosineVP()
    data = CentredMixture(random_mixture(path, 3, 9), num_points=4)
    z, exact = at_t_min(data.mixture, path, 10)
    found = log_prob(data.denoiser, path, data.expand(z), space=ZeroCentreOfMass(), solver=RungeKutta4(100))
    torch.testing.assert_close(found.log_prob, exact, rtol=0, atol=1e-4)


@pytest.mark.parametrize("path", [CosineVP(), Straight(), LinearVP()], ids=path_name)
def test_few_nodes_give_the_log_density_in_the_centred_subspace(path):
    """And their error falls as fast as that of a rule for smooth functions."""
    data = CentredMixture(random_mixture(path, 3, 9), num_points=4)
    z, exact = at_t_min(data.mixture, path, 10)

    def error(num_nodes):
        solver = GaussLegendre(num_nodes, num_steps=2)
        found = log_prob(data.denoiser, path, data.expand(z), space=ZeroCentreOfMass(), solver=solver)
        return float((found.log_prob - exact).abs().max())

    assert error(40) < (3e-4 if path == LinearVP() else 1e-4)  # LinearVP's noisy end keeps 0.7 % of the data
    assert error(12) < 0.05


def test_batched_products_give_the_trace_of_one_after_another():
    torch.manual_seed(0)
    network = EquivariantNetwork(
        channels=16, vector_channels=8, pair_channels=8, num_blocks=2, num_heads=4, num_basis=8, chiral=False
    )
    space, model = ZeroCentreOfMass(), DiffusionModel(network, CosineVP(), V(), ZeroCentreOfMass())
    model = model.double().requires_grad_(False)
    x = space.sample((3, 5, 3), generators(3), dtype=torch.float64)
    t = torch.full((3,), 0.3, dtype=torch.float64)
    denoiser = model.denoiser()
    _, fast = denoised_with_trace(denoiser, x, t, ExactTrace().directions(x, space, None, None), space, None)
    y = x.clone().requires_grad_()
    x_0_hat, slow = denoiser(y, t), torch.zeros(3, dtype=torch.float64)
    for entry in torch.eye(15, dtype=torch.float64).reshape(15, 1, 5, 3):
        z = space.project(entry).expand_as(y)
        slow += (torch.autograd.grad(x_0_hat, y, z, retain_graph=True)[0] * z).sum((1, 2))
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-10)


@pytest.mark.parametrize("path", [CosineVP(), Straight()], ids=path_name)
def test_a_sample_comes_with_its_own_log_density(path):
    data, space = CentredMixture(random_mixture(path, 2, 6), num_points=3), ZeroCentreOfMass()
    noise = space.sample((10, 3, 3), generators(10), dtype=torch.float64)
    solver = GaussLegendre(24, num_steps=4)
    x, found = sample_with_log_prob(data.denoiser, path, noise, space, solver=solver)
    back = log_prob(data.denoiser, path, x, space=space, solver=solver).log_prob
    torch.testing.assert_close(found, back, rtol=0, atol=1e-5)
    exact = data.mixture.log_prob(data.reduce(x), torch.full((10,), path.t_min, dtype=torch.float64))
    torch.testing.assert_close(found, exact, rtol=0, atol=5e-3)


def test_the_density_of_a_wrong_denoiser_is_normalized_too():
    path = CosineVP()

    def denoiser(x, t):
        alpha, variance = path.alpha(t)[:, None], path.sigma(t)[:, None] ** 2
        return alpha * 0.4 / (alpha**2 * 0.4 + variance) * x + 0.4 * variance * torch.sin(4 * x)

    x = torch.linspace(-6, 6, 1201, dtype=torch.float64)[:, None]
    density = log_prob(denoiser, path, x, solver=GaussLegendre(40, num_steps=2)).log_prob.exp()
    assert float(density.sum() * 0.01) == pytest.approx(1, abs=2e-4)


def test_a_log_density_does_not_depend_on_batch_mates():
    path, data = CosineVP(), random_mixture(CosineVP(), 3, 4)
    x, _ = at_t_min(data, path, 5)
    for solver in (GaussLegendre(4, 1), RungeKutta4(5), Dopri5(1e-2, 1e-2)):
        together = log_prob(data.denoiser, path, x, solver=solver).log_prob
        alone = log_prob(data.denoiser, path, x[3:4], solver=solver).log_prob
        torch.testing.assert_close(together[3:4], alone, rtol=0, atol=1e-10)


def test_directions_span_the_space_and_no_more():
    x = torch.zeros(2, 4, 3, dtype=torch.float64)
    for space, num in ((FullSpace(), 12), (ZeroCentreOfMass(), 9)):
        z = ExactTrace().directions(x, space, None, None)
        assert z.shape == (num, 2, 4, 3)
        torch.testing.assert_close(space.project(z[:, 0]), z[:, 0])
        flat = z[:, 1].flatten(1)
        torch.testing.assert_close(flat @ flat.T, torch.eye(num, dtype=torch.float64))


def test_padding_does_not_count():
    path, space = CosineVP(), ZeroCentreOfMass()
    gain = lambda t: path.alpha(t) * 0.3 / (path.alpha(t) ** 2 * 0.3 + path.sigma(t) ** 2)  # noqa: E731
    denoiser = lambda x, t: expand_like(gain(t), x) * x  # noqa: E731
    mask = torch.arange(5)[None] < torch.tensor([3, 5])[:, None]
    x = 0.5 * space.sample((2, 5, 3), generators(2), mask, dtype=torch.float64)
    found = log_prob(denoiser, path, x, space=space, mask=mask).log_prob
    alone = log_prob(denoiser, path, x[:1, :3], space=space).log_prob
    torch.testing.assert_close(found[:1], alone)
    spread = (
        float(path.alpha(torch.tensor(path.t_min)) ** 2 * 0.3 + path.sigma(torch.tensor(path.t_min)) ** 2)
        ** 0.5
    )
    num_dimensions = space.num_dimensions(x.shape, mask)
    exact = space.log_prob(x / spread, mask) - num_dimensions * math.log(spread)
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-4)


@pytest.mark.parametrize("distribution", ["rademacher", "gaussian"])
def test_hutchinson_is_right_within_its_standard_error(distribution):
    path, data = CosineVP(), random_mixture(CosineVP(), 3, 8)
    x, _ = at_t_min(data, path, 20)
    exact = log_prob(data.denoiser, path, x, solver=RungeKutta4(25)).log_prob
    trace = Hutchinson(num_solves=12, distribution=distribution)
    found = log_prob(data.denoiser, path, x, generators(20), trace=trace, solver=RungeKutta4(25))
    score = (found.log_prob - exact) / found.standard_error  # Student's t with 11 degrees of freedom
    assert (found.standard_error > 0).all()
    assert score.abs().max() < 5
    assert score.square().mean() < 3


def test_hutchinson_depends_on_its_own_generator_alone():
    path, data = CosineVP(), random_mixture(CosineVP(), 3, 4)
    x, _ = at_t_min(data, path, 3)

    def estimate(rows):
        mine = generators(len(x[rows]), first=rows.start)
        return log_prob(data.denoiser, path, x[rows], mine, trace=Hutchinson(2), solver=RungeKutta4(10))

    torch.testing.assert_close(estimate(slice(1, 2)).log_prob, estimate(slice(0, 3)).log_prob[1:2])


@pytest.mark.parametrize("solver", [Ancestral(), Heun()], ids=repr)
def test_a_sampling_solver_is_refused(solver):
    with pytest.raises(ValueError, match="RungeKutta4"):
        log_prob(lambda x, t: x, LinearVP(), torch.zeros(1, 2), solver=solver)


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="got 1"):
        Hutchinson(num_solves=1)
    with pytest.raises(ValueError, match="uniform"):
        Hutchinson(distribution="uniform")
    with pytest.raises(ValueError, match="at least one step"):
        RungeKutta4(0)
    with pytest.raises(ValueError, match="at least one node"):
        GaussLegendre(0)
    assert ExactTrace().num_solves == 1
