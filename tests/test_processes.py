"""Items in processes of their own; what goes wrong with one must not touch the others."""

import os
import signal
import time

import pytest

from molediff.processes import run_in_processes


def work(item):
    """What the item says."""
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "hang":
        time.sleep(60)
    if item == "raise":
        raise ValueError("not this\none")
    return item, os.environ["OMP_NUM_THREADS"]


def test_every_item_has_one_outcome_and_bad_ones_say_why():
    items = ["a", "die", "b", "raise", "hang", "c"]
    found = {outcome.item: outcome for outcome in run_in_processes(work, items, 2, seconds_each=5.0)}
    assert sorted(found) == sorted(items)
    for item in "abc":
        assert found[item].value == (item, "1")
        assert found[item].reason == ""
    assert found["die"].reason == "its process died with code -9"
    assert found["raise"].reason == "not this one"
    assert found["hang"].reason == "not ready after 5 s"
    assert all(found[item].value is None for item in ("die", "raise", "hang"))


def test_leaving_early_ends_the_processes():
    outcomes = run_in_processes(work, ["a", "hang"], 2)
    assert next(outcomes).item == "a"
    start = time.perf_counter()
    outcomes.close()
    assert time.perf_counter() - start < 5


def test_settings_are_checked():
    with pytest.raises(ValueError, match="num_processes must be at least 1"):
        next(run_in_processes(work, ["a"], 0))
    with pytest.raises(ValueError, match="above 0"):
        next(run_in_processes(work, ["a"], 1, seconds_each=0.0))
