"""COV and MAT over several molecules, on matrices made by hand."""

import numpy as np
import pytest
from rdkit.Chem import Mol

from molediff.evaluation.conformers.metrics import CONFORMER_METRICS
from molediff.evaluation.conformers.results import Comparison, MoleculeResult

TWO_REFERENCES = np.array([[0.04, 0.3, 0.3, 0.3], [0.6, 0.08, 0.7, 0.7]])
ONE_REFERENCE = np.array([[0.2, 0.4]])


def figures_of(matrices, num_requested):
    """All figures that are taken from RMSD."""
    molecules = [
        MoleculeResult(Mol(), Mol(), requested, values={"rmsd": rmsd})
        for rmsd, requested in zip(matrices, num_requested, strict=True)
    ]
    comparison = Comparison(molecules, solved_by_all=[rmsd.size > 0 for rmsd in matrices])
    return {
        metric.key: metric.over(comparison) for metric in CONFORMER_METRICS if metric.measurement == "rmsd"
    }


def test_molecules_weigh_the_same_however_many_references_they_have():
    figures = figures_of([TWO_REFERENCES, ONE_REFERENCE], [4, 2])
    assert figures["mat_recall_mean"] == pytest.approx((0.06 + 0.2) / 2)
    assert figures["mat_precision_mean"] == pytest.approx(((0.04 + 0.08 + 0.3 + 0.3) / 4 + 0.3) / 2)
    assert figures["cov_recall_0.5_mean"] == 1.0
    assert figures["cov_recall_0.1_mean"] == 0.5
    assert figures["cov_recall_0.05_mean"] == 0.25
    assert figures["cov_precision_0.1_mean"] == pytest.approx((2 / 4 + 0) / 2)


def test_a_failure_is_a_zero_of_coverage_and_no_distance():
    figures = figures_of([TWO_REFERENCES, np.empty((3, 0))], [4, 6])
    assert figures["cov_recall_0.5_mean"] == figures["cov_precision_0.5_mean"] == 0.5
    assert figures["mat_recall_mean"] == pytest.approx(0.06)
    assert figures["mat_precision_mean"] == pytest.approx(0.18)


def test_means_that_compare_fairly_leave_out_what_some_method_failed_on():
    figures = figures_of([TWO_REFERENCES, np.empty((3, 0)), ONE_REFERENCE], [4, 6, 2])
    assert figures["mat_recall_mean_solved_by_all"] == pytest.approx((0.06 + 0.2) / 2)


def test_a_missing_sample_is_near_nothing():
    assert figures_of([ONE_REFERENCE], [4])["cov_precision_0.5_mean"] == 0.5


def test_means_and_medians_differ():
    matrices = [np.array([[value]]) for value in (0.1, 0.2, 0.9)]
    figures = figures_of(matrices, [1, 1, 1])
    assert figures["mat_recall_median"] == pytest.approx(0.2)
    assert figures["mat_recall_mean"] == pytest.approx(0.4)
    assert figures["cov_recall_0.5_median"] == 1.0
    assert figures["cov_recall_0.5"] == figures["cov_recall_0.5_mean"] == pytest.approx(2 / 3)


def test_nothing_at_all_has_no_distance():
    figures = figures_of([np.empty((1, 0))], [2])
    assert np.isnan(figures["mat_recall_mean"])
    assert figures["cov_recall_0.5_mean"] == 0.0
