"""Every path against its definition: derivatives by autograd, inverses, float32 at the ends, the forward SDE."""

import doctest
import math

import pytest
import torch
from core.exact import PATHS, VP_PATHS, linear_beta, path_name, times_inside
from scipy.integrate import solve_ivp

import molediff.core.paths.base
from molediff.core.generators import Generators
from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.paths import (
    CosineVP,
    CustomVP,
    DiscreteChain,
    GeometricVE,
    LinearVP,
    Path,
    PolynomialVP,
    SigmoidVP,
    Straight,
    SubVP,
    check_path,
)
from molediff.core.solvers import Ancestral, uniform_t
from molediff.core.solvers.checks import check_times
from molediff.core.target import V

each_path = pytest.mark.parametrize("path", PATHS, ids=path_name)


@pytest.mark.parametrize("path", VP_PATHS, ids=path_name)
def test_vp_paths_preserve_the_variance(path):
    t = times_inside(path, 1001)
    torch.testing.assert_close(
        path.alpha(t) ** 2 + path.sigma(t) ** 2, torch.ones_like(t), rtol=0, atol=1e-14
    )


@each_path
def test_lambda_falls_and_is_inverted(path):
    t = times_inside(path, 1001)
    lambda_ = path.lambda_(t)
    assert (lambda_.diff() < 0).all()
    torch.testing.assert_close(path.t_of_lambda(lambda_), t, rtol=0, atol=1e-13)


@each_path
def test_derivatives_agree_with_autograd(path):
    t = times_inside(path, 999)
    if isinstance(path, DiscreteChain):  # kinks at the steps: take the middles between them
        t = (torch.arange(999, dtype=torch.float64) + 1.5) / 1000
    t.requires_grad_()
    (dlambda,) = torch.autograd.grad(path.lambda_(t).sum(), t, retain_graph=True)
    log_alpha = path.log_alpha(t).sum() + 0 * t.sum()  # VE's is a constant without a graph
    (dlog_alpha,) = torch.autograd.grad(log_alpha, t)
    torch.testing.assert_close(path.dlambda_dt(t), dlambda, rtol=1e-10, atol=0)
    torch.testing.assert_close(path.drift(t), dlog_alpha, rtol=1e-10, atol=1e-12)
    g_squared = -2 * path.sigma(t) ** 2 * dlambda
    torch.testing.assert_close(path.diffusion_squared(t), g_squared, rtol=1e-10, atol=1e-12)


@each_path
def test_float32_is_right_at_both_ends(path):
    ends = times_inside(path, 1001, torch.float32)[[0, 1, 2, -3, -2, -1]]
    ends = ends.clamp(
        max=torch.tensor(path.t_max).nextafter(torch.tensor(0.0))
    )  # rounding must not leave the path
    exact = ends.double()
    torch.testing.assert_close(path.lambda_(ends).double(), path.lambda_(exact), rtol=1e-5, atol=1e-5)
    for name in ("alpha", "sigma", "diffusion_squared"):
        value, truth = getattr(path, name)(ends), getattr(path, name)(exact)
        torch.testing.assert_close(value.double(), truth, rtol=2e-5, atol=0, msg=f"{name} in float32")


@each_path
def test_forward_sde_has_the_moments_of_the_path(path):
    """dm/dt = f m and dV/dt = 2 f V + g^2, integrated numerically, give alpha m_0 and alpha^2 V_0 + sigma^2."""
    start, end = path.t_min, path.t_min + 0.9 * (path.t_max - path.t_min)
    at = lambda t: torch.tensor(t, dtype=torch.float64)  # noqa: E731
    mean_0, variance_0 = 1.3, 0.4

    def moments(t):
        alpha, sigma = float(path.alpha(at(t))), float(path.sigma(at(t)))
        return [alpha * mean_0, alpha**2 * variance_0 + sigma**2]

    def rates(t, y):
        f, g_squared = float(path.drift(at(t))), float(path.diffusion_squared(at(t)))
        return [f * y[0], 2 * f * y[1] + g_squared]

    kinked = isinstance(path, DiscreteChain)  # beta jumps at each of its 1000 steps
    solution = solve_ivp(rates, (start, end), moments(start), rtol=1e-5 if kinked else 1e-9, atol=1e-10)
    assert solution.y[:, -1] == pytest.approx(moments(end), rel=2e-3 if kinked else 1e-7)


def test_forward_sde_simulated_has_mean_and_covariance():
    """Euler-Maruyama forward, 20,000 paths of a correlated 2D normal, within 4 standard errors plus the
    step's bias."""
    path, num_steps, num = LinearVP(), 500, 20000
    g = torch.Generator().manual_seed(3)
    root = torch.tensor([[0.8, 0.0], [0.5, 0.3]], dtype=torch.float64)
    mean_0 = torch.tensor([1.0, -2.0], dtype=torch.float64)
    x = mean_0 + torch.randn(num, 2, generator=g, dtype=torch.float64) @ root.T
    t = torch.linspace(0, 0.5, num_steps + 1, dtype=torch.float64)
    for s, dt in zip(t[:-1], t.diff(), strict=True):
        z = torch.randn(num, 2, generator=g, dtype=torch.float64)
        x = x + path.drift(s) * x * dt + (path.diffusion_squared(s) * dt).sqrt() * z
    alpha, sigma = path.alpha(t[-1]), path.sigma(t[-1])
    covariance = alpha**2 * root @ root.T + sigma**2 * torch.eye(2, dtype=torch.float64)
    bias = 0.005  # first order in the step of 0.001, times rates of up to 5
    assert ((x.mean(0) - alpha * mean_0).abs() < 4 * (covariance.diagonal() / num).sqrt() + bias).all()
    assert ((x.T.cov() - covariance).abs() < 4 * (2 / num) ** 0.5 + bias).all()


def test_linear_vp_small_times_keep_their_digits():
    """sqrt(1 - exp(-B)) in float32 is 2.4 % wrong at t = 1e-5; the path is not."""
    t = torch.tensor(1e-5)
    exact = math.sqrt(-math.expm1(-(0.1 * float(t) + 9.95 * float(t) ** 2)))
    assert float(LinearVP().sigma(t)) == pytest.approx(exact, rel=1e-6)


def test_custom_beta_agrees_with_the_closed_form():
    closed, numeric = LinearVP(), CustomVP(linear_beta)
    t = torch.linspace(1e-4, 1, 777, dtype=torch.float64)
    torch.testing.assert_close(numeric.lambda_(t), closed.lambda_(t), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(numeric.t_of_lambda(closed.lambda_(t)), t, rtol=0, atol=1e-13)


def test_custom_beta_without_closed_form():
    """Integral of exp(3 t) sin^2(5 t) + 0.2 by SciPy's quadrature."""
    path = CustomVP(lambda t: torch.exp(3 * t) * torch.sin(5 * t) ** 2 + 0.2)
    rate = lambda t, _: math.exp(3 * t) * math.sin(5 * t) ** 2 + 0.2  # noqa: E731
    truth = solve_ivp(rate, (0, 0.83), [0.0], rtol=1e-12, atol=1e-12).y[0, -1]
    assert float(path.integral(torch.tensor(0.83, dtype=torch.float64))) == pytest.approx(truth, rel=1e-10)


def test_sub_vp_has_songs_variance_and_diffusion():
    t = times_inside(SubVP(), 101)
    integral = 0.1 * t + 9.95 * t**2
    torch.testing.assert_close(SubVP().sigma(t) ** 2, (1 - torch.exp(-integral)) ** 2)
    torch.testing.assert_close(SubVP().alpha(t) ** 2 + SubVP().sigma(t), torch.ones_like(t))
    assert (SubVP().sigma(t) <= LinearVP().sigma(t)).all()  # less noise than the VP path of the same alpha
    g_squared = linear_beta(t) * (1 - torch.exp(-2 * integral))
    torch.testing.assert_close(SubVP().diffusion_squared(t), g_squared)


def test_ve_has_songs_diffusion():
    path, t = GeometricVE(0.02, 30.0), torch.linspace(0, 1, 11, dtype=torch.float64)
    sigma = 0.02 * 1500**t
    torch.testing.assert_close(path.diffusion_squared(t), sigma**2 * 2 * math.log(1500))


def test_polynomial_is_edms():
    t = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
    torch.testing.assert_close(PolynomialVP().alpha(t), (1 - 2e-5) * (1 - t**2) + 1e-5)


def test_sigmoid_is_jabris():
    t, v = torch.linspace(0.05, 0.95, 19, dtype=torch.float64), torch.sigmoid
    start, end = torch.tensor(-3.0, dtype=torch.float64), torch.tensor(3.0, dtype=torch.float64)
    gamma = (v(end) - v(start + (end - start) * t)) / (v(end) - v(start))
    torch.testing.assert_close(SigmoidVP().alpha(t) ** 2, gamma)


def test_straight_is_straight():
    t = times_inside(Straight(), 11)
    torch.testing.assert_close(Straight().alpha(t), 1 - t)
    torch.testing.assert_close(Straight().sigma(t), t)


def test_chain_posterior_is_bayes_rule():
    """q(x_{k-1} | x_k, x_0) from the joint normal of (x_{k-1}, x_k) given x_0, by conditioning."""
    chain = DiscreteChain((0.1, 0.3, 0.2, 0.6))
    x_k, x_0 = torch.tensor([[0.7]], dtype=torch.float64), torch.tensor([[-1.1]], dtype=torch.float64)
    for k in (1, 2, 3, 4):
        alphas_bar = [
            1.0,
            *torch.tensor([1 - b for b in chain.betas], dtype=torch.float64).cumprod(0).tolist(),
        ]
        beta, before = chain.betas[k - 1], alphas_bar[k - 1]
        prior_mean, prior_variance = math.sqrt(before) * -1.1, 1 - before
        gain = math.sqrt(1 - beta) * prior_variance / ((1 - beta) * prior_variance + beta)
        mean = prior_mean + gain * (0.7 - math.sqrt(1 - beta) * prior_mean)
        variance = prior_variance - gain * math.sqrt(1 - beta) * prior_variance
        posterior_mean, posterior_variance = chain.posterior(x_k, x_0, torch.tensor([k]))
        assert float(posterior_mean) == pytest.approx(mean, abs=1e-12)
        assert float(posterior_variance) == pytest.approx(variance, abs=1e-12)


def test_ancestral_on_the_chain_draws_from_its_posterior():
    chain = DiscreteChain.linear(20, beta_max=15.0)
    x_1 = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x_0 = torch.full_like(x_1, 0.4)
    seen = []
    Ancestral().sample(
        lambda x, t: x_0, chain, chain.times(), x_1, Generators(range(5)), callback=seen.append
    )
    z = Generators(range(5)).normal((5, 3), dtype=torch.float64)
    mean, variance = chain.posterior(x_1, x_0, torch.full((5,), 20))
    torch.testing.assert_close(seen[1].x_t, mean + variance.sqrt()[:, None] * z)


def test_chain_tends_to_the_continuous_path():
    """The distance of alpha-bar from that of LinearVP falls as 1 / T."""
    t = torch.linspace(0.1, 1, 10, dtype=torch.float64)
    errors = [
        float((DiscreteChain.linear(num).log_alpha(t) - LinearVP().log_alpha(t)).abs().max())
        for num in (100, 1000, 10000)
    ]
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(10, rel=0.15)


def test_chain_from_a_path_passes_through_it():
    chain, t = DiscreteChain.from_path(CosineVP(), 50), torch.arange(1, 50, dtype=torch.float64) / 50
    torch.testing.assert_close(chain.lambda_(t), CosineVP().lambda_(t))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LinearVP(0.0, 20.0), "beta_min=0.0"),
        (lambda: LinearVP(5.0, 1.0), "beta_max=1.0"),
        (lambda: GeometricVE(1.0, 0.1), "sigma_max=0.1"),
        (lambda: SigmoidVP(3.0, -3.0), "start=3.0"),
        (lambda: PolynomialVP(s=0.7), "s=0.7"),
        (lambda: CustomVP(lambda t: 0.5 - t), "beta\\(0.5\\)"),
        (lambda: DiscreteChain((0.1, 1.0)), "1.0"),
        (lambda: DiscreteChain.linear(0), "num_steps=0"),
    ],
)
def test_a_path_whose_lambda_does_not_fall_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


class Rising(Path):
    """Noise first and data last."""

    t_min, t_max = 0.1, 0.9

    def log_alpha(self, t):
        return torch.log(t)

    def log_sigma(self, t):
        return torch.log1p(-t)

    def dlog_alpha_dt(self, t):
        return 1 / t

    def dlambda_dt(self, t):
        return 1 / (t * (1 - t))

    def t_of_lambda(self, lambda_):
        return torch.sigmoid(lambda_)


def test_a_custom_path_whose_lambda_rises_is_refused_by_the_solver():
    with pytest.raises(ValueError, match="does not fall"):
        check_times(Rising(), uniform_t(Rising(), 5))


@pytest.mark.parametrize(
    "make", [lambda p: DiffusionModel(torch.nn.Identity(), p, V(), FullSpace()), check_path]
)
def test_a_custom_path_whose_lambda_rises_is_refused_before_training(make):
    with pytest.raises(ValueError, match=r"from -2\.197 at t = 0\.1"):
        make(Rising())


@pytest.mark.parametrize(("t_min", "t_max"), [(0.0, CosineVP.t_max), (CosineVP.t_min, 1.0)])
def test_an_infinite_lambda_at_either_end_is_refused(t_min, t_max):
    class Uncut(CosineVP):
        pass

    Uncut.t_min, Uncut.t_max = t_min, t_max
    with pytest.raises(ValueError, match="must fall from t_min to t_max"):
        check_path(Uncut())


def test_a_path_without_an_interval_is_refused():
    class Empty(Straight):
        t_min, t_max = 0.9, 0.2

    with pytest.raises(ValueError, match="t_min < t_max"):
        check_path(Empty())


@each_path
def test_every_path_passes_its_own_check(path):
    check_path(path)


@pytest.mark.parametrize("path", PATHS, ids=path_name)
def test_noised_samples_have_the_mean_and_the_noise_of_their_time(path):
    t = times_inside(path, 5)
    x_0, eps = torch.ones(5, 3, 2, dtype=torch.float64), torch.zeros(5, 3, 2, dtype=torch.float64)
    torch.testing.assert_close(path.noised(x_0, eps, t), path.alpha(t)[:, None, None].expand(5, 3, 2))
    torch.testing.assert_close(path.noised(eps, x_0, t), path.sigma(t)[:, None, None].expand(5, 3, 2))


def test_the_examples_of_paths_run():
    assert doctest.testmod(molediff.core.paths.base).attempted > 0
    assert doctest.testmod(molediff.core.paths.base).failed == 0
