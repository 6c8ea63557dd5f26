import numpy as np
import pytest

from molediff.evaluation.conformers.metrics.matching import matching

RMSD = np.array([[0.1, 0.9, 0.3], [0.8, 0.7, 0.9]])


def test_mean_over_references_of_the_nearest_sample():
    assert matching(RMSD) == pytest.approx((0.1 + 0.7) / 2)


def test_transposed_mean_over_samples_of_the_nearest_reference():
    assert matching(RMSD.T) == pytest.approx((0.1 + 0.7 + 0.3) / 3)


def test_single_reference_gives_best_and_mean_of_n():
    row = RMSD[:1]
    assert matching(row) == row.min()
    assert matching(row.T) == pytest.approx(row.mean())


def test_failure_has_no_distance():
    assert np.isnan(matching(np.empty((1, 0))))
