"""Time is counted once, and shared by weight."""

import pytest

from molediff.molecules.generation.clock import Clock, running


@pytest.fixture
def now(monkeypatch):
    time = [0.0]
    monkeypatch.setattr("molediff.molecules.generation.clock.time.perf_counter", lambda: time[0])
    return time


def test_time_within_is_shared_by_weight_and_time_between_is_not_counted(now):
    one, three = Clock(), Clock()
    with running([one, three], [1, 3]):
        now[0] += 8
    now[0] += 100
    with running([one]):
        now[0] += 0.5
    assert (one.seconds, three.seconds) == (2.5, 6.0)


def test_a_clock_knows_within_a_piece_of_work_that_time_is_up(now):
    clock = Clock(limit=2.0)
    with running([clock]):
        now[0] += 2
        assert not clock.is_up
        now[0] += 1
        assert clock.is_up
    assert clock.is_up


def test_time_counts_when_work_fails(now):
    clock = Clock()

    @running([clock])
    def fail():
        now[0] += 3
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert clock.seconds == 3
