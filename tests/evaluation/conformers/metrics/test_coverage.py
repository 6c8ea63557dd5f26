import numpy as np

from molediff.evaluation.conformers.metrics.coverage import coverage

RMSD = np.array([[0.1, 0.9], [0.8, 0.7]])


def test_coverage_counts_references_not_samples():
    assert coverage(RMSD, threshold=0.5) == 0.5
    assert coverage(np.array([[0.1, 0.2, 0.3]]), threshold=0.15) == 1.0


def test_transposed_it_counts_samples():
    assert coverage(np.array([[0.1, 0.2, 0.3]]).T, threshold=0.15) == 1 / 3


def test_threshold_is_strict():
    assert coverage(RMSD, threshold=0.1) == 0.0


def test_failure_covers_nothing_in_either_direction():
    assert coverage(np.empty((2, 0)), 0.5) == coverage(np.empty((0, 2)), 0.5) == 0.0
