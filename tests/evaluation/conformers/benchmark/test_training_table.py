"""The table of what choices of the training are worth."""

from molediff.evaluation.conformers.benchmark.training_table import KEYS, training_table


def test_means_over_runs_in_the_units_of_the_head():
    figures = [dict.fromkeys(KEYS, value) for value in (0.1, 0.3)]
    rows = [{"processor_seconds": 60.0 + i, "figures": {"5": values}} for i, values in enumerate(figures)]
    head, _, line = training_table({"one": rows}, [5]).splitlines()
    assert head.split(" | ")[3:5] == ["MAT-R mean, 5", "MAT-P mean, 5"]
    assert head.split(" | ")[6:7] == ["returned %, 5"]
    assert line == "| one | 2 | 1.0 | 0.200 | 0.200 | 20.0 | 20.0 | 20.00 |"
