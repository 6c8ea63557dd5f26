"""Coverage and matching of many molecules: from RMSD matrices to the figures of one method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from molediff.evaluation.conformers.metrics.coverage import coverage
from molediff.evaluation.conformers.metrics.matching import matching
from molediff.evaluation.conformers.metrics.metric import mean
from molediff.evaluation.conformers.results import Comparison

COVERAGE_THRESHOLDS = (0.5, 0.1, 0.05)
"""Angstrom. 0.5 is the published one for QM9 and saturated; the others tell good methods apart."""

AVERAGES: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": lambda values: float(np.mean(values)),
    "median": lambda values: float(np.median(values)),
}


def mat_recall(rmsd: np.ndarray, num_requested: int) -> float:
    """MAT-R of one molecule, in Angstrom; NaN without samples."""
    return matching(rmsd)


def mat_precision(rmsd: np.ndarray, num_requested: int) -> float:
    """MAT-P of one molecule, in Angstrom; NaN without samples."""
    return matching(rmsd.T)


def cov_recall(rmsd: np.ndarray, num_requested: int, threshold: float) -> float:
    """COV-R of one molecule."""
    return coverage(rmsd, threshold)


def cov_precision(rmsd: np.ndarray, num_requested: int, threshold: float) -> float:
    """COV-P of one molecule; a sample that was asked for and not returned is near no reference."""
    return coverage(rmsd.T, threshold) * rmsd.shape[1] / num_requested


QUANTITIES: dict[str, Callable[[np.ndarray, int], float]] = {
    "mat_recall": mat_recall,
    "mat_precision": mat_precision,
    **{f"cov_recall_{t}": partial(cov_recall, threshold=t) for t in COVERAGE_THRESHOLDS},
    **{f"cov_precision_{t}": partial(cov_precision, threshold=t) for t in COVERAGE_THRESHOLDS},
}
"""What is taken of one molecule, by key: from its RMSD (num_references, num_returned) and the samples asked for."""


def average_of_molecules(
    matrices: Sequence[np.ndarray], comparison: Comparison, quantity: str, average: str
) -> float:
    """One of `QUANTITIES`: within each molecule first, then mean or median over molecules.

    A molecule without samples covers nothing and counts as 0. A distance exists only where there are samples: MAT is
    that of the other molecules, and NaN if there are none.

    Source: the protocol of Ganea et al. 2021 (GeoMol), section 4.
    """
    function = QUANTITIES[quantity]
    values = [
        function(rmsd, molecule.num_requested)
        for rmsd, molecule in zip(matrices, comparison.molecules, strict=True)
    ]
    finite = [value for value in values if not np.isnan(value)]
    return AVERAGES[average](finite) if finite else float("nan")


def mean_on_solved_by_all(matrices: Sequence[np.ndarray], comparison: Comparison, quantity: str) -> float:
    """Mean over the molecules of which every method returned conformers: the only ones that compare fairly."""
    function = QUANTITIES[quantity]
    return mean(
        function(rmsd, molecule.num_requested)
        for rmsd, molecule, solved in zip(
            matrices, comparison.molecules, comparison.solved_by_all, strict=True
        )
        if solved
    )
