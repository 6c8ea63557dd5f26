"""`benchmark=solvers`: what it measures, on few samples."""

import matplotlib.figure
import pytest
import torch

from molediff.core.solvers import DDIM, Ancestral, DPMSolverPP2M, Heun
from molediff.evaluation.mathematics.gradient_variance import measure_gradient_variance
from molediff.evaluation.mathematics.ode_against_sde import expected_shifts, measure_quality
from molediff.evaluation.mathematics.solver_errors import (
    ADAPTIVE,
    ODE_SOLVERS,
    STOCHASTIC_SOLVERS,
    measure_flow_errors,
    measure_law_errors,
    measure_weak_orders,
    steps_for,
)
from molediff.evaluation.mathematics.solver_overhead import measure_overhead
from molediff.evaluation.mathematics.solver_plots import error_figure, quality_figure


@pytest.fixture(scope="module")
def curves():
    laws, floor = measure_law_errors("cosine VP", [20, 80, 160], num_samples=60, seed=0)
    return [*measure_flow_errors("cosine VP", [20, 80, 160], num_samples=30), *laws], floor


def test_every_solver_has_a_curve_by_evaluations_as_counted(curves):
    by_name = {curve.solver: curve for curve in curves[0]}
    assert set(by_name) == {*ODE_SOLVERS, *STOCHASTIC_SOLVERS, ADAPTIVE}
    assert by_name["Heun"].num_evaluations == by_name["DDIM"].num_evaluations == [20, 80, 160]
    assert steps_for(Heun(), 21) == 10


def test_errors_fall_and_the_higher_order_is_better(curves):
    by_name = {curve.solver: curve for curve in curves[0]}
    for name in ODE_SOLVERS:
        errors = by_name[name].errors
        assert errors[0] > errors[1] > errors[2]
    assert by_name["DPM-Solver++(3M)"].errors[-1] < by_name["DPM-Solver++(2M)"].errors[-1]
    assert by_name["DPM-Solver++(2M)"].errors[-1] < by_name["DDIM"].errors[-1]
    assert by_name["DDIM"].order == pytest.approx(1.0, abs=0.25)
    assert all(by_name[name].order is None for name in STOCHASTIC_SOLVERS)


def test_weak_orders_are_those_declared():
    orders = measure_weak_orders([30, 60])
    assert all(orders[name] > solver.order - 0.35 for name, solver in STOCHASTIC_SOLVERS.items()), orders


def test_the_sde_forgets_an_early_error_and_the_ode_does_not(monkeypatch):
    solvers = {"ODE": DPMSolverPP2M(), "SDE": Ancestral()}
    monkeypatch.setattr("molediff.evaluation.mathematics.ode_against_sde.SOLVERS", solvers)
    qualities, floor = measure_quality([100], num_samples=600, seed=0)
    distance = {(q.network, q.solver): q.wasserstein[0] for q in qualities}
    assert distance["exact", "ODE"] < 2 * floor["wasserstein"][1]
    assert distance["wrong at high noise", "ODE"] > 1.5 * distance["wrong at high noise", "SDE"]
    ode, sde = expected_shifts(shift=1.0, lambda_below=0.0)
    assert (ode, sde) == (pytest.approx(0.5**0.5), pytest.approx(0.5))
    assert isinstance(quality_figure(qualities, floor), matplotlib.figure.Figure)


def test_both_estimates_of_a_gradient_agree():
    for found in measure_gradient_variance(4000, seed=0):
        assert abs(found.mean_by_density - found.mean_by_weight) < 4 * found.error
        assert found.ratio == found.variance_by_weight / found.variance_by_density


def test_the_loop_is_timed_beside_a_network_of_the_shipped_size():
    found = measure_overhead({"DDIM": DDIM()}, num_samples=2, num_steps=3, num_repeats=1)
    assert (found.num_samples, found.num_atoms) == (2, 18)
    assert found.num_parameters > 1e6
    assert found.share("DDIM") > 0


@pytest.mark.parametrize("stochastic", [False, True])
def test_error_figures_draw_every_solver(curves, stochastic):
    figure = error_figure(curves[0], {"cosine VP": curves[1]}, stochastic)
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert len(labels) == (len(STOCHASTIC_SOLVERS) if stochastic else len(ODE_SOLVERS)) + 1


def test_all_randomness_is_seeded():
    state = torch.get_rng_state()
    first, second = (measure_quality([5], num_samples=50, seed=3) for _ in range(2))
    assert first == second
    assert torch.equal(state, torch.get_rng_state())
