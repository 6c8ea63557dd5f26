"""Adaptive integration: tolerances kept, each sample with steps of its own."""

import math

import torch
from core.exact import started, two_peaks
from torchdiffeq import odeint

from molediff.core.paths import CosineVP
from molediff.core.solvers import Dopri5, uniform_lambda
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


def test_each_sample_takes_the_steps_of_torchdiffeq_for_it_alone():
    """The same control, once the first step is the same: the same evaluations, but for the last step."""
    start, last, tolerance = torch.linspace(-1, 1, 4, dtype=torch.float64)[:, None], 6.0, 1e-6
    found = integrate_each(growing, start, 0.0, last, tolerance, tolerance, longest=math.inf)
    for i in range(4):

        def alone(s, y, i=i):
            return growing(s.expand(4), y.expand(4, 1))[i]

        span = torch.tensor([0.0, last], dtype=torch.float64)
        options = {"first_step": 0.01}
        exact = odeint(alone, start[i], span, rtol=1e-12, atol=1e-12, method="dopri5")[-1]
        theirs = odeint(
            alone, start[i], span, rtol=tolerance, atol=tolerance, method="dopri5", options=options
        )
        torch.testing.assert_close(found[i], exact, rtol=0, atol=20 * tolerance)
        torch.testing.assert_close(found[i], theirs[-1], rtol=0, atol=5 * tolerance)


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
