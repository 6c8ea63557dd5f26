"""Learning-rate schedules and the clock that they follow."""

import itertools
import time

import pytest

from molediff.training.clock import Clock
from molediff.training.schedules import Constant, Cosine, Exponential, Linear, StepDecay

ALL = [Constant(10), Cosine(10), Linear(10), Exponential(10), StepDecay(10)]


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: type(s).__name__)
def test_warm_up_rises_in_a_line_from_almost_zero(schedule):
    assert schedule(0.0, 0) == pytest.approx(0.1)
    assert schedule(0.0, 4) == pytest.approx(0.5)
    assert schedule(0.0, 9) == schedule(0.0, 1000) == 1.0


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: type(s).__name__)
def test_never_rises_after_the_warm_up(schedule):
    values = [schedule(i / 100, 1000) for i in range(101)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(values))


@pytest.mark.parametrize(
    ("schedule", "middle", "end"),
    [
        (Constant(), 1.0, 1.0),
        (Cosine(), 0.5, 0.0),
        (Linear(), 0.5, 0.0),
        (Linear(hold=0.5), 1.0, 0.0),
        (Exponential(final=0.01), 0.1, 0.01),
        (StepDecay(milestones=(0.4, 0.9), factor=0.1), 0.1, 0.01),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_in_the_middle_and_at_the_end(schedule, middle, end):
    assert schedule(0.5, 1000) == pytest.approx(middle)
    assert schedule(1.0, 1000) == pytest.approx(end)


def test_clock_follows_the_bound_that_is_nearer():
    clock = Clock(max_steps=100, max_minutes=10)
    clock.load_state_dict({"seconds": 300.0})
    assert clock.fraction(20) == pytest.approx(0.5, abs=1e-4)
    assert clock.fraction(80) == 0.8
    assert clock.is_over(100)


def test_clock_goes_on_where_the_checkpoint_was_written(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    first = Clock(max_minutes=1)
    first.start()
    now[0] += 20
    state = first.state_dict()
    now[0] += 500  # the machine was off
    second = Clock(max_minutes=1)
    second.load_state_dict(state)
    second.start()
    now[0] += 10
    assert second.fraction(0) == pytest.approx(0.5)


@pytest.mark.parametrize("bounds", [{}, {"max_steps": 0}, {"max_minutes": -1.0}])
def test_clock_without_a_sound_bound_is_refused(bounds):
    with pytest.raises(ValueError, match="max_"):
        Clock(**bounds)
