"""The physics: Fokker-Planck, its heat-equation limit, and Anderson's reversal at every intermediate time."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from core.exact import OneStream, exact_variance, path_name, two_peaks
from scipy.linalg import solve_banded

from molediff.core.paths import (
    CosineVP,
    DiscreteChain,
    GeometricVE,
    LinearVP,
    Path,
    PolynomialVP,
    SigmoidVP,
    Straight,
    SubVP,
)
from molediff.core.solvers import (
    DDIM,
    Ancestral,
    Churn,
    DPMSolverPP2M,
    EulerMaruyama,
    Heun,
    PredictorCorrector,
    SDEDPMSolverPP2M,
    uniform_lambda,
)


def fokker_planck(path, density, x, times, substeps):
    """Solve dp/dt = -d(f x p)/dx + 1/2 g^2 d^2p/dx^2 on the grid `x` by Crank-Nicolson, from times[0] on.

    Fluxes between cells conserve the mass. Yields the density at each later time.
    """
    dx, half = x[1] - x[0], 0.5 * (x[1:] + x[:-1])
    at = lambda t, name: float(getattr(path, name)(torch.tensor(t, dtype=torch.float64)))  # noqa: E731

    def operator(t):
        """Rows of the tridiagonal matrix of the right-hand side, in SciPy's banded form."""
        f, diffusion = at(t, "drift"), 0.5 * at(t, "diffusion_squared")
        to_right = (
            0.5 * f * half + diffusion / dx
        )  # flux through a cell border from the left cell's density ...
        to_left = 0.5 * f * half - diffusion / dx  # ... and from the right one's
        bands = np.zeros((3, len(x)))
        bands[0, 1:] = -to_left / dx
        bands[2, :-1] = to_right / dx
        bands[1, :-1] -= to_right / dx
        bands[1, 1:] += to_left / dx
        return bands

    def apply(bands, p):
        out = bands[1] * p
        out[:-1] += bands[0, 1:] * p[1:]
        out[1:] += bands[2, :-1] * p[:-1]
        return out

    for start, end in pairwise(times):
        dt = (end - start) / substeps
        for k in range(substeps):
            middle = operator(start + (k + 0.5) * dt)
            system = -0.5 * dt * middle
            system[1] += 1
            density = solve_banded((1, 1), system, density + 0.5 * dt * apply(middle, density))
        yield density


@pytest.mark.parametrize(
    "path",
    [LinearVP(), CosineVP(), SigmoidVP(), PolynomialVP(), SubVP(), Straight(), GeometricVE(0.1, 3.0)],
    ids=path_name,
)
def test_forward_process_obeys_the_fokker_planck_equation(path):
    """Numerical solution from the density at t = 0.05 against the closed form at five later times."""
    data, x = two_peaks(path), np.linspace(-16, 16, 3201)
    points = torch.from_numpy(x)[:, None]

    def closed(t):
        return data.log_prob(points, torch.full((len(x),), t, dtype=torch.float64)).exp().numpy()

    times = [0.05, 0.15, 0.3, 0.5, 0.7, 0.9]
    for t, density in zip(times[1:], fokker_planck(path, closed(0.05), x, times, 100), strict=True):
        assert np.abs(density - closed(t)).max() < 1e-3 * closed(t).max()
        assert density.sum() * (x[1] - x[0]) == pytest.approx(1, abs=1e-6)


def test_without_drift_it_is_the_heat_equation():
    """alpha = 1, sigma = sqrt(2 k t): density a convolution with the heat kernel; dp/dt = k p'' by the numbers."""

    class Heat(Path):
        conductivity, t_min, t_max = 0.5, 1e-4, 1.0

        def log_alpha(self, t):
            return torch.zeros_like(t)

        def log_sigma(self, t):
            return 0.5 * torch.log(2 * self.conductivity * t)

        def dlog_alpha_dt(self, t):
            return torch.zeros_like(t)

        def dlambda_dt(self, t):
            return -0.5 / t

        def t_of_lambda(self, lambda_):
            return torch.exp(-2 * lambda_) / (2 * self.conductivity)

    path, x = Heat(), np.linspace(-10, 10, 2001)
    assert float(path.diffusion_squared(torch.tensor(0.37))) == pytest.approx(2 * path.conductivity)
    box = np.where(np.abs(x) < 1, 0.5, 0.0)  # no mixture: the heat kernel alone decides
    erf = np.vectorize(math.erf)
    for t, density in zip(
        [0.2, 0.5, 1.0], fokker_planck(path, box, x, [0.0, 0.2, 0.5, 1.0], 200), strict=True
    ):
        width = math.sqrt(4 * path.conductivity * t)
        exact = 0.25 * (erf((x + 1) / width) - erf((x - 1) / width))
        assert np.abs(density - exact).max() < 3e-3


SOLVERS = [
    (EulerMaruyama(1.0), 400),
    (EulerMaruyama(0.5), 400),
    (EulerMaruyama(0.0), 400),
    (EulerMaruyama(1.5), 400),
    (Ancestral(), 400),
    (DDIM(0.5), 200),
    (Heun(), 60),
    (DPMSolverPP2M(), 60),
    (SDEDPMSolverPP2M(), 200),
    (Churn(), 60),
    (PredictorCorrector(), 200),
]


@pytest.mark.parametrize(("solver", "steps"), SOLVERS, ids=lambda value: str(value)[:24])
@pytest.mark.parametrize("path", [LinearVP(), CosineVP()], ids=path_name)
def test_reverse_marginals_equal_the_forward_ones_at_every_time(solver, steps, path):
    """Kolmogorov's distance to the exact distribution function at eight times on the way, for eta = 0, 0.5,
    1 and 1.5."""
    data, num, seen = two_peaks(path), 2000, []
    # t_max: quantiles evenly spread, so that the start has no sampling error
    grid = torch.linspace(-6, 6, 20001, dtype=torch.float64)
    levels = (torch.arange(num, dtype=torch.float64) + 0.5) / num
    x_1 = grid[torch.searchsorted(data.cdf(grid, path.t_max), levels).clamp(max=20000)][:, None]

    def denoiser(x, t):  # all samples share t: the denoiser of a 1D mixture, written out for speed
        alpha, sigma = path.alpha(t[:1]), path.sigma(t[:1])
        variance = alpha**2 * data.covariances[:, 0, 0] + sigma**2
        off = x - alpha * data.means[:, 0]
        share = (data.weights.log() - 0.5 * off**2 / variance - 0.5 * variance.log()).softmax(1)
        regressed = data.means[:, 0] + alpha * data.covariances[:, 0, 0] / variance * off
        return (share * regressed).sum(1, keepdim=True)

    times = uniform_lambda(path, steps)
    x_0 = solver.sample(denoiser, path, times, x_1, space=OneStream(11), callback=seen.append)
    checked = [*((step.t, step.x_t) for step in seen[steps // 8 :: steps // 8]), (path.t_min, x_0)]
    assert len(checked) >= 8
    for t, x_t in checked:
        uniform = data.cdf(x_t[:, 0], t).sort().values
        distance = max(float((uniform - levels).abs().max()), 0.0) + 0.5 / num
        # 1.95 / sqrt(n) is the 0.1 % point of Kolmogorov's statistic; 0.012 for the bias of the steps
        assert distance < 1.95 / num**0.5 + 0.012, f"t = {t:.3f}: {distance:.4f}"


def test_an_aligned_coupling_keeps_the_ode_exact_and_not_the_sde():
    """Normal data in 1D, given the sign of its noise, the alignment in one dimension: E[x_0 | x_t] is a
    truncated normal's mean.

    The ODE still ends in the data's distribution; the SDE, whose score is not that of this coupling, does not.
    """
    path, variance, num = CosineVP(), 0.5, 1000
    pdf = lambda z: torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)  # noqa: E731
    cdf = torch.special.ndtr

    def denoiser(x, t):  # x_0 and eps share the sign of x, so that |x_0| < |x| / alpha
        alpha, sigma, size = path.alpha(t[:1]), path.sigma(t[:1]), x.abs()
        spread = alpha**2 * variance + sigma**2
        mean, std = alpha * variance * size / spread, variance**0.5 * sigma / spread.sqrt()
        low, high = -mean / std, (size / alpha - mean) / std
        return x.sign() * (mean + std * (pdf(low) - pdf(high)) / (cdf(high) - cdf(low)))

    levels = (torch.arange(num, dtype=torch.float64) + 0.5) / num
    x_1 = torch.special.ndtri(levels)[:, None]

    def distance(solver):
        x_0 = solver.sample(denoiser, path, uniform_lambda(path, 200), x_1, space=OneStream())
        return float((cdf(x_0[:, 0] / variance**0.5).sort().values - levels).abs().max())

    assert distance(DPMSolverPP2M()) < 0.003
    assert distance(Ancestral()) > 0.05


def test_ancestral_on_finer_chains_tends_to_the_sde():
    """The exact variance after the whole chain tends to that of the data, in inverse proportion to T."""
    errors = []
    for num_steps in (50, 100, 200):
        chain = DiscreteChain.from_path(LinearVP(), num_steps)
        errors.append(
            abs(exact_variance(Ancestral(), chain, chain.times(), variance=0.3, draws_per_step=1) - 0.3)
        )
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.2)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.2)
