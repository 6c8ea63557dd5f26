"""Solvers against exact answers: moments of Gaussian data, declared orders, equal methods."""

import math
from functools import cache

import pytest
import torch
from core.all_solvers import ODE_SOLVERS, STOCHASTIC_SOLVERS
from core.exact import (
    PATHS,
    OneStream,
    exact_variance,
    gaussian,
    generators,
    path_name,
    random_mixture,
    slope,
    started,
    two_peaks,
)

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.paths import CosineVP, GeometricVE, LinearVP, Straight, SubVP, expand_like
from molediff.core.solvers import (
    DDIM,
    Ancestral,
    Churn,
    Dopri5,
    DPMSolverPP2M,
    DPMSolverPP3M,
    Euler,
    EulerMaruyama,
    Heun,
    PredictorCorrector,
    SDEDPMSolverPP2M,
    karras,
    uniform_lambda,
    uniform_t,
)


def in_the_limit(solver):
    """Settings with which more steps bring a stochastic solver to the exact answer at its order from few steps on."""
    if isinstance(solver, Churn):
        return Churn(s_churn=20.0, s_min=0.01, s_max=100.0)  # below the cap of churn a step
    if isinstance(solver, PredictorCorrector):
        return PredictorCorrector(
            solver.predictor, solver.num_corrections, step_size=1.0
        )  # corrections as long as steps
    return solver


@pytest.mark.parametrize("solver", ODE_SOLVERS, ids=repr)
@pytest.mark.parametrize("path", [LinearVP(), CosineVP(), SubVP(), GeometricVE(), Straight()], ids=path_name)
def test_ode_solvers_carry_a_gaussian_to_its_exact_mean_and_covariance(solver, path):
    """The flow of a normal is affine, x -> m_0 + A (x - m_1): the images of the origin and of the axes give
    mean and covariance of the output without sampling error."""
    data = gaussian(path, [1.0, -0.5], [[0.5, 0.3], [0.3, 0.4]])
    mean_1, covariance_1 = data.moments(path.t_max)
    root = torch.linalg.cholesky(covariance_1)
    x_1 = torch.cat([mean_1[None], mean_1 + root.T])
    steps = 5 if isinstance(solver, Dopri5) else 100
    x = solver.sample(data.denoiser, path, uniform_lambda(path, steps), x_1)
    mean, axes = x[0], x[1:] - x[0]
    true_mean, true_covariance = data.moments(path.t_min)
    tolerance = {1: 0.12, 2: 8e-3, 3: 3e-4, 5: 2e-4}[solver.order]
    if solver == Euler() and isinstance(path, GeometricVE):
        tolerance = 0.4  # Euler in t also has to follow sigma down by a factor of 5000
    torch.testing.assert_close(mean, true_mean, rtol=0, atol=tolerance)
    torch.testing.assert_close(axes.T @ axes, true_covariance, rtol=0, atol=tolerance)


@pytest.mark.parametrize("solver", STOCHASTIC_SOLVERS, ids=repr)
@pytest.mark.parametrize("path", [CosineVP(), SubVP(), GeometricVE()], ids=path_name)
def test_stochastic_solvers_have_the_exact_variance_in_the_limit(solver, path):
    """The variance of the output, free of sampling error, tends to the exact one: extrapolated from 75 and
    150 steps."""
    solver, errors = in_the_limit(solver), []
    for steps in (75, 150):
        variance = exact_variance(solver, path, uniform_lambda(path, steps), variance=0.3)
        errors.append(variance / float(gaussian(path, [0.0], [[0.3]]).moments(path.t_min)[1]) - 1)
    gain = 2**solver.order
    assert abs(errors[1]) < 0.15
    assert abs(gain * errors[1] - errors[0]) / (gain - 1) < 0.02  # the leading error taken out


@pytest.mark.parametrize("solver", STOCHASTIC_SOLVERS, ids=repr)
def test_stochastic_solvers_have_the_moments_within_standard_errors(solver):
    """2,000 samples of a correlated normal: mean and covariance within four standard errors and the step's bias."""
    path, num = CosineVP(), 2000
    data = gaussian(path, [1.0, -0.5], [[0.5, 0.3], [0.3, 0.4]])
    x = solver.sample(
        data.denoiser, path, uniform_lambda(path, 150), started(data, path, num), space=OneStream()
    )
    mean, covariance = data.moments(path.t_min)
    bias = 0.03
    assert ((x.mean(0) - mean).abs() < 4 * (covariance.diagonal() / num).sqrt() + bias).all()
    variances = covariance.diagonal()
    errors = ((variances[:, None] * variances + covariance**2) / num).sqrt()
    assert ((x.T.cov() - covariance).abs() < 4 * errors + bias).all()


@pytest.mark.parametrize("path", [LinearVP(), CosineVP(), Straight()], ids=path_name)
@pytest.mark.parametrize(("cooling", "cooled_from"), [(0.15, -math.inf), (1.0, -math.inf), (1.0, 0.3)])
def test_cooling_takes_off_the_variance_that_it_says(path, cooling, cooled_from):
    """Of a centred normal of variance v, x / alpha goes as (v + nu^2)^((1 + cooling) / 2), nu = sigma / alpha."""
    v, ends = 0.3, torch.tensor([path.t_max, path.t_min], dtype=torch.float64)
    data, solver = gaussian(path, [0.0], [[v]]), DPMSolverPP2M(cooling, cooled_from)
    x_1 = torch.ones(1, 1, dtype=torch.float64)
    x_0 = solver.sample(data.denoiser, path, uniform_lambda(path, 400), x_1)
    first, last = v + torch.exp(-2 * path.lambda_(ends))
    begin = v + math.exp(-2 * cooled_from) if cooled_from > -math.inf else first
    first_alpha, last_alpha = path.alpha(ends)
    expected = last_alpha / first_alpha * (last / first) ** 0.5 * (last / begin) ** (cooling / 2)
    torch.testing.assert_close(x_0, expected.reshape(1, 1), rtol=2e-3, atol=0)


def test_cooling_after_modes_have_parted_takes_off_their_width_alone():
    path = CosineVP()
    data, times = two_peaks(path), uniform_lambda(path, 100)
    x_1 = started(data, path, 200)
    warm, cold = (
        DPMSolverPP2M(c, cooled_from=0.7).sample(data.denoiser, path, times, x_1) for c in (0.0, 1.0)
    )
    for side in (-1, 1):
        warm_side, cold_side = (x[x[:, 0] * side > 0] for x in (warm, cold))
        assert 0.9 < len(cold_side) / len(warm_side) < 1.1
        torch.testing.assert_close(cold_side.mean(0), warm_side.mean(0), rtol=0, atol=0.05)
        assert (cold_side.std(0) < 0.75 * warm_side.std(0)).all()


@cache
def solved_two_peaks(path):
    """Starts, and where the ODE takes them: dopri5 at 1e-11."""
    data = two_peaks(path)
    x_1 = started(data, path, 30)
    return x_1, Dopri5(1e-11, 1e-11).sample(data.denoiser, path, uniform_lambda(path, 1), x_1)


@pytest.mark.parametrize(
    "solver", [s for s in ODE_SOLVERS if not isinstance(s, Dopri5)], ids=lambda s: type(s).__name__
)
@pytest.mark.parametrize("path", [LinearVP(), CosineVP(), GeometricVE()], ids=path_name)
def test_ode_solvers_show_their_declared_order(solver, path):
    """Slope of the error against steps on a mixture of two peaks."""
    data, (x_1, exact) = two_peaks(path), solved_two_peaks(path)
    counts = [60, 120, 240]
    errors = [
        float((solver.sample(data.denoiser, path, uniform_lambda(path, n), x_1) - exact).abs().mean())
        for n in counts
    ]
    assert solver.order - 0.25 < slope(counts, errors) < solver.order + 0.7


@pytest.mark.parametrize("solver", STOCHASTIC_SOLVERS, ids=repr)
def test_stochastic_solvers_show_their_declared_weak_order(solver):
    """Slope of the error of the variance, free of sampling error, on normal data."""
    path, counts, errors = CosineVP(), [60, 120, 240], []
    truth = float(gaussian(path, [0.0], [[0.3]]).moments(path.t_min)[1])
    solver = in_the_limit(solver)
    for steps in counts:
        errors.append(abs(exact_variance(solver, path, uniform_lambda(path, steps), variance=0.3) - truth))
    found = slope(counts, errors)
    assert found > solver.order - 0.25, f"{found:.2f}, errors {errors}"


def test_without_interactions_the_ode_is_a_constant_scaling():
    """Normal data of one variance: every x comes out as that constant times its noise, in 3D and centred."""
    path, variance = CosineVP(), 0.25

    def denoiser(x, t):
        gain = path.alpha(t) * variance / (path.alpha(t) ** 2 * variance + path.sigma(t) ** 2)
        return expand_like(gain, x) * x

    spread = lambda t: gaussian(path, [0.0], [[variance]]).moments(t)[1][0, 0].sqrt()  # noqa: E731
    space = ZeroCentreOfMass()
    x_1 = space.sample((4, 6, 3), generators(4), dtype=torch.float64)
    for solver, tolerance in [(DPMSolverPP3M(), 1e-5), (DPMSolverPP2M(), 1e-3), (Dopri5(1e-8, 1e-8), 1e-5)]:
        x = solver.sample(denoiser, path, uniform_lambda(path, 200), x_1, space=space)
        torch.testing.assert_close(x, spread(path.t_min) / spread(path.t_max) * x_1, rtol=0, atol=tolerance)


@pytest.mark.parametrize("path", PATHS, ids=path_name)
def test_ddim_is_euler_in_its_variable(path):
    data = random_mixture(path, 3, 4)
    x_1, times = started(data, path, 20), uniform_lambda(path, 12)
    ddim = DDIM().sample(data.denoiser, path, times, x_1)
    # Euler's method for y = x / alpha in s = sigma / alpha: dy / ds = eps_hat
    y, s = x_1 / path.alpha(times[0]), torch.exp(-path.lambda_(times))
    for i in range(12):
        t = times[i].expand(20)
        x_0_hat = data.denoiser(y * path.alpha(times[i]), t)
        y = y + (s[i + 1] - s[i]) * (y - x_0_hat) / s[i]
    torch.testing.assert_close(y * path.alpha(times[-1]), ddim, rtol=1e-8, atol=1e-7)


def test_euler_in_t_is_ddim_on_the_straight_path():
    path, data = Straight(), random_mixture(Straight(), 3, 4)
    x_1, times = started(data, path, 20), uniform_t(path, 15)
    torch.testing.assert_close(
        Euler().sample(data.denoiser, path, times, x_1), DDIM().sample(data.denoiser, path, times, x_1)
    )


def test_equal_stochastic_methods_draw_equal_samples():
    """Ancestral = DDIM(1); SDE-DPM-Solver++(2M) without noise = 2M; churn without noise = Heun; no
    corrections = predictor."""
    path, data = LinearVP(), random_mixture(LinearVP(), 3, 4)
    x_1, times = started(data, path, 10), karras(path, 10)
    draw = lambda solver: solver.sample(data.denoiser, path, times, x_1, generators(10))  # noqa: E731
    torch.testing.assert_close(draw(Ancestral()), draw(DDIM(1.0)))
    torch.testing.assert_close(draw(SDEDPMSolverPP2M(0.0)), draw(DPMSolverPP2M()))
    torch.testing.assert_close(draw(Churn(0.0)), draw(Heun()))
    torch.testing.assert_close(draw(PredictorCorrector(num_corrections=0)), draw(Ancestral()))
    torch.testing.assert_close(draw(EulerMaruyama(0.0)), draw(Euler()))
