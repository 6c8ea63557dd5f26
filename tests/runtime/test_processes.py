"""Items in processes of their own; what goes wrong with one must not touch the others."""

import multiprocessing
import os
import signal
import time

import pytest

from molediff.runtime.processes import run_in_processes


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


class DeadOnArrival:
    """Ends the process that is to call it, before that reads an item."""

    def __reduce__(self):
        return os._exit, (3,)


def test_a_process_that_dies_before_it_reads_its_item_ends_no_other():
    found = list(run_in_processes(DeadOnArrival(), ["short", "long" * 100_000], 1))
    assert [outcome.reason for outcome in found] == ["its process died with code 3"] * 2


def test_a_process_that_dies_idle_does_not_end_the_run():
    outcomes = run_in_processes(work, ["a", "b", "c"], 1)
    assert next(outcomes).item == "a"
    for process in multiprocessing.active_children():
        process.kill()
        process.join()
    assert [outcome.reason for outcome in outcomes] == ["its process died with code -9", ""]


def test_settings_are_checked():
    with pytest.raises(ValueError, match="num_processes must be at least 1"):
        next(run_in_processes(work, ["a"], 0))
    with pytest.raises(ValueError, match="above 0"):
        next(run_in_processes(work, ["a"], 1, seconds_each=0.0))
