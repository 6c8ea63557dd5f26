"""Items in processes of their own; what goes wrong with one must not touch the others."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from places import ROOT

from molediff.runtime.processes import as_completed, in_order


def work(item):
    """What the item says."""
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "hang":
        time.sleep(60)
    if item == "raise":
        raise ValueError("not this\none")
    if item == "starve":
        raise MemoryError
    return (lambda: item) if item == "unsendable" else (item, os.environ["OMP_NUM_THREADS"])


def test_every_item_has_one_outcome_and_bad_ones_say_why():
    items = ["a", "die", "b", "raise", "hang", "c", "starve", "unsendable", "d"]
    found = {outcome.item: outcome for outcome in as_completed(work, items, 2, seconds_each=5.0)}
    assert sorted(found) == sorted(items)
    for item in "abcd":
        assert found[item].value == (item, "1")
        assert found[item].reason == ""
    assert found["die"].reason == "its process died with code -9"
    assert found["raise"].reason == "not this one"
    assert "ValueError: not this" in found["raise"].traceback
    assert found["hang"].reason == "not ready after 5 s"
    assert found["starve"].reason == "out of memory"
    assert "lambda" in found["unsendable"].reason
    assert all(found[item].value is None for item in items if len(item) > 1)


def test_the_time_limit_is_of_the_item_and_not_of_the_start():
    (outcome,) = as_completed(SlowToArrive(), ["a"], 1, seconds_each=0.5)
    assert (outcome.value, outcome.reason) == (("a", "1"), "")
    assert outcome.seconds < 0.5


class SlowToArrive:
    """`work`, which takes a process longer than the limit to load."""

    def __reduce__(self):
        return _load_slowly, ()


def _load_slowly():
    time.sleep(1)
    return work


def test_leaving_early_ends_the_processes():
    outcomes = as_completed(work, ["a", "hang"], 2)
    assert next(outcomes).item == "a"
    children = multiprocessing.active_children()
    start = time.perf_counter()
    outcomes.close()
    assert time.perf_counter() - start < 5
    assert len(children) == 2
    assert not any(child.is_alive() for child in children)


def test_a_process_that_dies_idle_costs_no_item():
    outcomes = as_completed(work, ["a", "b", "c"], 1)
    assert next(outcomes).item == "a"
    for process in multiprocessing.active_children():
        process.kill()
        process.join()
    assert [outcome.value for outcome in outcomes] == [("b", "1"), ("c", "1")]


class KilledOnArrival:
    """A function; the first `times` processes that are to call it are killed before they begin."""

    def __init__(self, function, folder: Path, times: int) -> None:
        self.state = function, folder, times

    def __reduce__(self):
        return _arrive, self.state


def _arrive(function, folder, times):
    (folder / str(os.getpid())).touch()
    if len(list(folder.iterdir())) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return function


def test_a_process_killed_while_it_starts_costs_no_item(tmp_path):
    long = "long" * 100_000  # more than a pipe holds
    found = as_completed(KilledOnArrival(work, tmp_path, times=2), ["short", long], 1)
    assert [outcome.value[0] for outcome in found] == ["short", long]


def test_a_process_killed_while_it_starts_costs_no_input(tmp_path):
    function = KilledOnArrival(double, tmp_path, times=2)
    assert list(in_order(function, [[1, 2], [3]], 2, lost)) == [2, 4, 6]


def test_when_every_process_is_killed_while_it_starts_memory_is_blamed_and_no_guard(tmp_path):
    with pytest.raises(RuntimeError, match="3 worker processes in a row were killed by signal 9") as error:
        list(as_completed(KilledOnArrival(work, tmp_path, times=100), ["a"], 1))
    assert "memory" in str(error.value)
    assert "__main__" not in str(error.value)


def test_a_script_without_a_guard_is_told_so_however_much_a_process_needs(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import functools, operator\n"
        "from molediff.runtime.processes import as_completed\n"
        "much = functools.partial(operator.add, 'long' * 1_000_000)\n"
        "print([outcome.value for outcome in as_completed(much, ['a', 'b'], 2)])\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert "must stand below `if __name__ == '__main__':`" in done.stderr


def test_settings_are_checked():
    with pytest.raises(ValueError, match="num_processes must be at least 1"):
        next(as_completed(work, ["a"], 0))
    with pytest.raises(ValueError, match="num_processes must be at least 1"):
        next(in_order(double, [[1]], 0, lost))
    with pytest.raises(ValueError, match="above 0"):
        next(as_completed(work, ["a"], 1, seconds_each=0.0))


def double(inputs):
    """Twice each number; "die" kills the process, "starve" has no memory, "fail" is an error."""
    for value in inputs:
        if value == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if value == "starve":
            raise MemoryError
        if value == "fail":
            raise ZeroDivisionError("no such number")
        if value == "slow":
            time.sleep(0.5)
        yield 2 * value if isinstance(value, int) else value


def lost(value):
    return f"lost {value}"


def test_results_come_in_order_though_the_first_group_is_the_slowest():
    groups = [["slow", 1], [2], [3, 4], [], [5], [6]]
    assert list(in_order(double, groups, 2, lost)) == ["slow", 2, 4, 6, 8, 10, 12]


def test_only_the_input_that_kills_its_process_is_lost():
    groups = [[1, "die", 2], [3], ["starve"], [4, 5]]
    assert list(in_order(double, groups, 2, lost)) == [2, "lost die", 4, 6, "lost starve", 8, 10]


def test_an_error_is_raised_with_its_traceback_and_no_process_is_left():
    results = in_order(double, [[1], ["fail"]], 2, lost)
    with pytest.raises(RuntimeError, match="ZeroDivisionError: no such number"):
        list(results)
    assert multiprocessing.active_children() == []


def test_groups_are_read_as_they_are_needed():
    read = []

    def groups():
        for i in range(1000):
            read.append(i)
            yield [i]

    results = in_order(double, groups(), 1, lost)
    assert read == []
    assert next(results) == 0
    assert len(read) <= 3
    results.close()


def test_what_cannot_be_sent_is_named():
    with pytest.raises(RuntimeError, match="must be importable"):
        list(in_order(lambda inputs: inputs, [[1]], 1, lost))


SCRIPT = """
import os, sys, time
from molediff.runtime.processes import as_completed, in_order

def work(item):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    list(in_order(work, [[1], [2]], 2, str) if sys.argv[1] == "in_order" else as_completed(work, [1, 2], 2))
"""


@pytest.mark.parametrize("driver", ["in_order", "as_completed"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_one_that_started_it(tmp_path, how, driver):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    parent = subprocess.Popen(
        [sys.executable, str(script), driver],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    children = [int(parent.stdout.readline()) for _ in range(2)]
    for process in [*(children if how == signal.SIGINT else []), parent.pid]:
        os.kill(process, how)  # Ctrl-C reaches them all
    _, errors = parent.communicate(timeout=120)
    deadline = time.monotonic() + 20
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, children))
    assert errors.count("Traceback") == (how == signal.SIGINT)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_script_without_its_guard_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, str(script), "in_order"], capture_output=True, text=True, env=environment, timeout=60
    )
    assert "__name__ == '__main__'" in ended.stderr.splitlines()[-1]
    assert ended.stderr.count("Traceback") == 1  # of the script, and none of the workers
