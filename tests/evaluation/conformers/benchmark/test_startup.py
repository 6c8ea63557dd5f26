"""Processor time of fresh processes."""

import pytest

from molediff.evaluation.conformers.benchmark.startup import processor_seconds, summarize

SPIN = """
import time
while time.process_time() < 0.4: pass
time.sleep(0.4)
"""


def test_computing_counts_and_sleeping_does_not():
    # A bare interpreter takes a few hundredths of a second to start and end.
    assert 0.4 <= processor_seconds(SPIN) < 0.75


def test_a_program_that_fails_is_named():
    with pytest.raises(RuntimeError, match=r"code 3 on: raise SystemExit\(3\)"):
        processor_seconds("raise SystemExit(3)")


def test_ratios_are_of_the_fastest_runs():
    found = summarize({"torch": [2.0, 1.0, 4.0], "ours": [3.0, 1.5, 1.75]}, "torch")
    assert (found["ours"].fastest, found["ours"].median, found["ours"].ratio) == (1.5, 1.75, 1.5)
    assert (found["torch"].median, found["torch"].ratio) == (2.0, 1.0)
