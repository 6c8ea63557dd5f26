"""Coverage and matching of many molecules: from RMSD matrices to the figures of one method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from molediff.evaluation.conformers.metrics.coverage import coverage
from molediff.evaluation.conformers.metrics.matching import matching

COVERAGE_THRESHOLDS = (0.5, 0.1, 0.05)
"""Angstrom. 0.5 is the published one for QM9 and saturated; the others tell good methods apart."""


def rmsd_figures(matrices: Sequence[np.ndarray], num_requested: Sequence[int]) -> dict[str, float]:
    """COV and MAT of recall and precision: each within a molecule first, then mean and median over molecules.

    A molecule without samples covers nothing, and a sample that was asked for and not returned is near no reference:
    both count as 0. A distance exists only where there are samples: MAT is that of the other molecules, and NaN if
    there are none.

    Args:
        matrices: for each molecule the RMSD in Angstrom, shape (num_references, num_returned).
        num_requested: for each molecule the samples asked for.

    Returns:
        By key: `mat_recall_mean`, `mat_precision_median`, `cov_recall_0.5_mean` and so on.

    Source: the protocol of Ganea et al. 2021 (GeoMol), section 4.
    """
    values = {
        "mat_recall": [matching(rmsd) for rmsd in matrices],
        "mat_precision": [matching(rmsd.T) for rmsd in matrices],
    }
    for threshold in COVERAGE_THRESHOLDS:
        values[f"cov_recall_{threshold}"] = [coverage(rmsd, threshold) for rmsd in matrices]
        values[f"cov_precision_{threshold}"] = [
            coverage(rmsd.T, threshold) * rmsd.shape[1] / requested
            for rmsd, requested in zip(matrices, num_requested, strict=True)
        ]
    figures = {}
    for key, entries in values.items():
        finite = [entry for entry in entries if not np.isnan(entry)]
        figures[f"{key}_mean"] = float(np.mean(finite)) if finite else float("nan")
        figures[f"{key}_median"] = float(np.median(finite)) if finite else float("nan")
    return figures
