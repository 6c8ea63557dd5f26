"""Several processes: what they work on here is plain, so that a process starts in a moment."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from places import ROOT

from molediff.molecules.workers import work_on_groups


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
    groups = [["slow", 1], [2], [3, 4], [5], [6]]
    assert list(work_on_groups(groups, double, 2, lost)) == ["slow", 2, 4, 6, 8, 10, 12]


def test_only_the_input_that_kills_its_process_is_lost():
    groups = [[1, "die", 2], [3], ["starve"], [4, 5]]
    found = list(work_on_groups(groups, double, 2, lost))
    assert found == [2, "lost die", 4, 6, "lost starve", 8, 10]


def test_an_error_is_raised_with_its_traceback_and_no_process_is_left():
    results = work_on_groups([[1], ["fail"]], double, 2, lost)
    with pytest.raises(RuntimeError, match="ZeroDivisionError: no such number"):
        list(results)


def test_groups_are_read_as_they_are_needed():
    read = []

    def groups():
        for i in range(1000):
            read.append(i)
            yield [i]

    results = work_on_groups(groups(), double, 1, lost)
    assert read == []
    assert next(results) == 0
    assert len(read) <= 3
    results.close()


def test_what_cannot_be_sent_is_named():
    with pytest.raises(RuntimeError, match="must be importable"):
        list(work_on_groups([[1]], lambda inputs: inputs, 1, lost))


SCRIPT = """
import os, signal, sys, time
from molediff.molecules.workers import work_on_groups

def work(inputs):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    list(work_on_groups([[1], [2]], work, 2, str))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_one_that_started_it(tmp_path, how):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    children = [int(parent.stdout.readline()) for _ in range(2)]
    parent.send_signal(how)
    parent.wait(timeout=120)
    deadline = time.monotonic() + 20
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, children))


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
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=60
    )
    assert "__name__ == '__main__'" in ended.stderr.splitlines()[-1]
