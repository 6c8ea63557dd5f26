"""`benchmark=schedules`: melting curves with known ends, and clocks that follow them."""

import matplotlib.figure
import pytest
import torch

from molediff.core.paths import CosineVP, LinearVP
from molediff.evaluation.mathematics.schedule_plots import melting_figure, schedule_quality_figure
from molediff.evaluation.mathematics.schedules import describe_schedule, measure_melting, measure_schedules


@pytest.fixture(scope="module")
def melting():
    return measure_melting(num_samples=400, seed=0, num_levels=29)


def test_data_are_frozen_in_the_cold_and_molten_in_the_heat(melting):
    assert melting.identity[0] == pytest.approx(1.0, abs=0.01)
    assert melting.identity[-1] == pytest.approx(0.0, abs=0.01)
    assert melting.error[0] == pytest.approx(0.0, abs=0.01)
    assert melting.error[-1] == pytest.approx(1.0, abs=0.15)
    assert all(a >= b - 0.02 for a, b in zip(melting.identity, melting.identity[1:], strict=False))


def test_a_clock_tells_when_half_is_molten(melting):
    lambda_half = melting.lambda_at(0.5)
    assert -3 < lambda_half < 3
    for name, path in {"cosine VP": CosineVP(), "linear VP": LinearVP()}.items():
        clock = describe_schedule(name, melting, 11)
        half = path.lambda_(torch.tensor(clock.t_half))
        assert float(half) == pytest.approx(lambda_half, abs=1e-3)
        assert 0 < clock.transition_fraction < 1


def test_pictures_have_a_line_for_each_path(melting, monkeypatch):
    paths = {"cosine VP": CosineVP(), "linear VP": LinearVP()}
    monkeypatch.setattr("molediff.evaluation.mathematics.schedules.PATHS", paths)
    qualities, floor = measure_schedules([5, 10], num_samples=100, seed=0)
    assert len(qualities) == 2 * 3 * 2
    assert all(quality.wasserstein[-1] > 0.5 * floor[0] for quality in qualities)
    figure = schedule_quality_figure(qualities, floor)
    assert isinstance(figure, matplotlib.figure.Figure)
    assert all(len(axes.lines) == len(paths) for axes in figure.axes)


def test_the_melting_picture_has_three_panels(melting):
    clocks = [describe_schedule(name, melting, 11) for name in ("cosine VP", "linear VP")]
    assert len(melting_figure(melting, clocks * 4).axes) == 3
