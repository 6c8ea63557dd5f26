"""From the results of single molecules to the figures of one method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from molediff.evaluation.conformers.metrics.metric import CHECKS, Metric
from molediff.evaluation.conformers.results import Comparison, MethodResult

Summary = dict[str, float]
"""Figures by key; NaN where there is nothing to average."""


def summarize(comparison: Comparison, metrics: Sequence[Metric]) -> Summary:
    """The figures of one method.

    Fractions are taken of what was requested: a conformer that was not returned has passed no check, and a molecule
    without conformers covers nothing. Distances, energies and distributions exist only for conformers that were
    returned; they stand beside the number of failed molecules. Everything is averaged within a molecule first.

    Args:
        comparison: results of the method, and what they are held against.
        metrics: whose measurements the results hold.
    """
    return {metric.key: metric.over(comparison) for metric in metrics}


def plausibility_fractions(method: MethodResult) -> dict[str, float]:
    """Fraction of conformers that pass each of PoseBusters' checks, by name; of those requested, over molecules."""
    checks: Counter[str] = Counter()
    requested = sum(molecule.num_plausibility_requested for molecule in method.molecules)
    for molecule in method.molecules:
        for conformer in molecule.values.get("plausibility", ()):
            checks.update({name: int(passed) for name, passed in conformer.items()})
    return {name: passed / requested for name, passed in checks.items()}


def failing_fractions(method: MethodResult, summary: Summary, metrics: Sequence[Metric]) -> dict[str, float]:
    """Fraction of conformers that fail each check, ours and PoseBusters', by the check's title; of those asked for."""
    passing = {
        metric.title: summary[metric.key]
        for metric in metrics
        if metric.group == CHECKS and _is_of_each_conformer(method, metric)
    }
    for name, fraction in plausibility_fractions(method).items():
        passing[f"PoseBusters: {name.replace('_', ' ')}"] = fraction
    return {name: round(1 - fraction, 12) for name, fraction in passing.items()}


def _is_of_each_conformer(method: MethodResult, metric: Metric) -> bool:
    """PoseBusters' checks of a conformer are many: they are shown one by one."""
    return all(
        isinstance(molecule.values.get(metric.measurement), np.ndarray) for molecule in method.molecules
    )
