"""Adaptive integration: tolerances kept, each sample with steps of its own."""

import math

import numpy as np
import torch
from core.exact import started, two_peaks
from scipy.integrate import RK45, solve_ivp

from molediff.core.paths import CosineVP
from molediff.core.solvers import Dopri5, adaptive, uniform_lambda
from molediff.core.solvers.adaptive import integrate_each


def test_dopri5_keeps_its_tolerance():
    path, data = CosineVP(), two_peaks(CosineVP())
    x_1 = started(data, path, 50)
    sample = lambda tol: Dopri5(tol, tol).sample(data.denoiser, path, uniform_lambda(path, 1), x_1)  # noqa: E731
    reference = sample(1e-10)
    for tolerance in (1e-4, 1e-7):
        assert float((sample(tolerance) - reference).abs().max()) < 100 * tolerance


def growing(s, y):
    """An ODE with a rate and a phase of each sample's own, so that samples need different steps."""
    rate = torch.linspace(0.5, 4.0, len(y), dtype=y.dtype)[:, None]
    return torch.cos(rate * s[:, None]) * y - torch.sin(rate * y)


def test_the_coefficients_are_dormand_and_princes():
    """Against SciPy's pair, which has Dormand and Prince's own estimate of the error: 3/2 of Shampine's."""
    for k, row in enumerate(adaptive._STAGES):
        theirs = RK45.B if k == len(adaptive._STAGES) - 1 else RK45.A[k + 1, : k + 1]
        np.testing.assert_allclose(row, theirs, rtol=1e-15)
        assert math.isclose(sum(row), adaptive._SHARES[k], rel_tol=1e-14)
    np.testing.assert_allclose(adaptive._ERROR, -2 / 3 * RK45.E, rtol=1e-13)


def test_each_sample_keeps_its_tolerance_at_steps_of_its_own():
    start, last, tolerance = torch.linspace(-1, 1, 4, dtype=torch.float64)[:, None], 6.0, 1e-6
    found = integrate_each(growing, start, 0.0, last, tolerance, tolerance, longest=math.inf)
    for i in range(4):

        def alone(s, y, i=i):
            s, y = torch.tensor(s, dtype=torch.float64), torch.from_numpy(y)
            return growing(s.expand(4), y.expand(4, 1))[i].numpy()

        exact = solve_ivp(alone, (0.0, last), start[i].numpy(), "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        np.testing.assert_allclose(found[i], exact, rtol=0, atol=20 * tolerance)


def test_adaptive_integration_goes_back_where_it_came_from():
    start = torch.linspace(-1, 1, 4, dtype=torch.float64)[:, None]
    there = integrate_each(growing, start, 0.0, 2.0, 1e-10, 1e-10)
    torch.testing.assert_close(
        integrate_each(growing, there, 2.0, 0.0, 1e-10, 1e-10), start, rtol=0, atol=1e-6
    )


def test_an_ode_that_cannot_be_integrated_stops_that_sample_alone():
    start = torch.linspace(-1, 1, 4, dtype=torch.float64)[:, None]

    def broken(s, y):
        slope = growing(s, y)
        slope[2] = torch.where(s[2] > 1.0, torch.nan, slope[2])
        return slope

    found, whole = (integrate_each(ode, start, 0.0, 2.0, 1e-6, 1e-6) for ode in (broken, growing))
    assert found[2].isnan().all()
    assert torch.equal(found[[0, 1, 3]], whole[[0, 1, 3]])


def test_loose_tolerances_do_not_jump_over_the_melting():
    """A step from hot to cold sees nothing of what happens between, and would think itself exact."""
    path, data = CosineVP(), two_peaks(CosineVP())
    x_1 = started(data, path, 50)
    x = Dopri5(1e-3, 1e-3).sample(data.denoiser, path, uniform_lambda(path, 1), x_1)
    assert float((x - data.flow(x_1, path.t_max, path.t_min)).abs().max()) < 0.05
