"""What a metric of conformers is: a measurement of each molecule, one figure of all, and how that is shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from molediff.evaluation.conformers.results import Comparison, MoleculeResult

OfMolecule = Callable[[MoleculeResult], Any]
OverMolecules = Callable[[Sequence[Any], Comparison], float]

CHECKS = "checks passed"
"""Group of the metrics whose measurement says of each conformer whether it passes."""

_FACTORS = {"%": 100.0, "ms": 1000.0}


def mean_of_molecules(values: Sequence[Any], comparison: Comparison) -> float:
    """Mean within each molecule that has conformers, then over these molecules; NaN is left out of both."""
    solved = [value for value, result in zip(values, comparison.molecules, strict=True) if not result.failed]
    return mean(mean(np.ravel(value)) for value in solved)


def fraction_of_requested(values: Sequence[np.ndarray], comparison: Comparison) -> float:
    """Of the conformers asked for, those of which the value is true: within each molecule, then over molecules."""
    pairs = zip(values, comparison.molecules, strict=True)
    return mean(float(np.sum(value)) / result.num_requested for value, result in pairs)


def median_of_conformers(values: Sequence[np.ndarray], comparison: Comparison) -> float:
    """Median over the conformers of all molecules; NaN is left out."""
    every = np.concatenate([np.ravel(value) for value in values]) if values else np.empty(0)
    every = every[~np.isnan(every)]
    return float(np.median(every)) if every.size else math.nan


@dataclass(frozen=True)
class Metric:
    """One figure of a method.

    A metric of your own is measured, shown and written like the others: `evaluate_methods(..., metrics=[
    *CONFORMER_METRICS, mine])`.
    """

    key: str
    """Name in the results and in the JSON."""

    title: str
    """Of its column."""

    unit: str
    """`%` for a fraction, which is kept between 0 and 1 and shown in percent; `ms` for a time, which is kept in
    seconds; otherwise the unit of the figure."""

    digits: int
    """Shown after the point."""

    better: Literal["low", "high", ""]
    """Which end is good; empty where neither is."""

    meaning: str

    of_molecule: OfMolecule | None = None
    """Measures one molecule, and may use what the metrics before it in the list have measured; None: nothing of its own
    is measured."""

    over_molecules: OverMolecules = mean_of_molecules
    """From the measurements of all molecules, failed ones too, and from all else that is known of the method."""

    measured: str = ""
    """Name of the measurement, which metrics can share: it is done once. Empty: the key."""

    group: str = "further metrics"
    """Columns of one group stand together."""

    of_data: bool = True
    """The figure means something for the reference geometries themselves."""

    in_table: bool = True
    """It is shown; all metrics are in the JSON."""

    @property
    def measurement(self) -> str:
        """Name of the measurement."""
        return self.measured or self.key

    def over(self, comparison: Comparison) -> float:
        """The figure of a method."""
        known = [result.values for result in comparison.molecules]
        values = [entry[self.measurement] for entry in known if self.measurement in entry]
        return float(self.over_molecules(values, comparison))

    def text(self, value: float) -> str:
        """The figure as shown."""
        return "–" if math.isnan(value) else f"{_FACTORS.get(self.unit, 1.0) * value:.{self.digits}f}"


def mean(values: Iterable[float]) -> float:
    """Mean of the values that exist; NaN if none does."""
    finite = [value for value in values if not np.isnan(value)]
    return float(np.mean(finite)) if finite else math.nan
