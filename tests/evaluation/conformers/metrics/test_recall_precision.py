"""COV and MAT over several molecules, on matrices made by hand."""

import numpy as np
import pytest

from molediff.evaluation.conformers.metrics.recall_precision import rmsd_figures

TWO_REFERENCES = np.array([[0.04, 0.3, 0.3, 0.3], [0.6, 0.08, 0.7, 0.7]])
ONE_REFERENCE = np.array([[0.2, 0.4]])


def test_molecules_weigh_the_same_however_many_references_they_have():
    figures = rmsd_figures([TWO_REFERENCES, ONE_REFERENCE], [4, 2])
    assert figures["mat_recall_mean"] == pytest.approx((0.06 + 0.2) / 2)
    assert figures["mat_precision_mean"] == pytest.approx(((0.04 + 0.08 + 0.3 + 0.3) / 4 + 0.3) / 2)
    assert figures["cov_recall_0.5_mean"] == 1.0
    assert figures["cov_recall_0.1_mean"] == 0.5
    assert figures["cov_recall_0.05_mean"] == 0.25
    assert figures["cov_precision_0.1_mean"] == pytest.approx((2 / 4 + 0) / 2)


def test_a_failure_is_a_zero_of_coverage_and_no_distance():
    figures = rmsd_figures([TWO_REFERENCES, np.empty((3, 0))], [4, 6])
    assert figures["cov_recall_0.5_mean"] == figures["cov_precision_0.5_mean"] == 0.5
    assert figures["mat_recall_mean"] == pytest.approx(0.06)
    assert figures["mat_precision_mean"] == pytest.approx(0.18)


def test_a_missing_sample_is_near_nothing():
    assert rmsd_figures([ONE_REFERENCE], [4])["cov_precision_0.5_mean"] == 0.5


def test_means_and_medians_differ():
    matrices = [np.array([[value]]) for value in (0.1, 0.2, 0.9)]
    figures = rmsd_figures(matrices, [1, 1, 1])
    assert figures["mat_recall_median"] == pytest.approx(0.2)
    assert figures["mat_recall_mean"] == pytest.approx(0.4)
    assert figures["cov_recall_0.5_median"] == 1.0


def test_nothing_at_all_has_no_distance():
    figures = rmsd_figures([np.empty((1, 0))], [2])
    assert np.isnan(figures["mat_recall_mean"])
    assert figures["cov_recall_0.5_mean"] == 0.0
