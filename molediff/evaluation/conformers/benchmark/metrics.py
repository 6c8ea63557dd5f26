"""What the benchmark of conformers measures: the metrics of the report under the names of the papers, and some more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from molediff.evaluation.conformers.metrics import CONFORMER_METRICS
from molediff.evaluation.conformers.metrics.aimnet2_strain import aimnet2_strain
from molediff.evaluation.conformers.metrics.metric import Metric, median_of_conformers
from molediff.evaluation.conformers.metrics.recall_precision import COVERAGE_THRESHOLDS
from molediff.evaluation.conformers.metrics.xtb_strain import XtbRelaxation, xtb_relaxation
from molediff.evaluation.conformers.results import Comparison, MoleculeResult

WRONG_STEREO_DRAWN = "wrong_stereo_drawn"
"""Told by a method that reflects or rejects samples before it returns any."""

_OF_REPORT = {metric.key: metric for metric in CONFORMER_METRICS}


def _relaxation(result: MoleculeResult) -> XtbRelaxation:
    if result.limits.num_relaxed == 0:
        return XtbRelaxation(np.empty(0), np.empty(0))
    return xtb_relaxation(result.conformers, result.limits.num_relaxed)


def _aimnet2_strain(result: MoleculeResult) -> np.ndarray:
    most = result.limits.num_relaxed_by_aimnet2
    return aimnet2_strain(result.conformers, most) if most else np.empty(0)


def _returned_pooled(values: Sequence[Any], comparison: Comparison) -> float:
    requested = sum(result.num_requested for result in comparison.molecules)
    return sum(result.num_returned for result in comparison.molecules) / requested


def _wrong_returned(values: Sequence[np.ndarray], comparison: Comparison) -> float:
    right = np.concatenate(values) if values else np.empty(0)
    return float(1 - right.mean()) if right.size else math.nan


def _wrong_drawn(values: Sequence[np.ndarray], comparison: Comparison) -> float:
    return comparison.told.get(WRONG_STEREO_DRAWN, _wrong_returned(values, comparison))


def _strain(values: Sequence[XtbRelaxation], comparison: Comparison) -> float:
    return median_of_conformers([value.strain for value in values], comparison)


def _moved(values: Sequence[XtbRelaxation], comparison: Comparison) -> float:
    return median_of_conformers([value.moved for value in values], comparison)


def _shown(key: str, title: str, **changes: Any) -> Metric:
    return replace(_OF_REPORT[key], title=title, in_table=True, **changes)


_STEREO = _OF_REPORT["stereo"].of_molecule

BENCHMARK_METRICS = (
    *(_shown(f"cov_recall_{t}_mean", f"COV-R {t}", digits=1) for t in COVERAGE_THRESHOLDS),
    *(_shown(f"mat_recall_{average}", f"MAT-R {average}") for average in ("mean", "median")),
    *(_shown(f"cov_precision_{t}_mean", f"COV-P {t}", digits=1) for t in COVERAGE_THRESHOLDS),
    *(_shown(f"mat_precision_{average}", f"MAT-P {average}") for average in ("mean", "median")),
    _OF_REPORT["num_failed"],
    Metric("returned_pooled", "returned", "%", 1, "high", "conformers returned, of all asked for of all molecules",
           over_molecules=_returned_pooled),
    Metric(WRONG_STEREO_DRAWN, "wrong stereo", "%", 2, "low",
           "samples of wrong stereo, before any was reflected or rejected", _STEREO, _wrong_drawn, "stereo"),
    Metric("wrong_stereo_returned", "wrong stereo returned", "%", 2, "low", "conformers returned of wrong stereo",
           _STEREO, _wrong_returned, "stereo", in_table=False),
    Metric("xtb_strain_median", "strain", "kcal/mol", 2, "low",
           "energy above the minimum of GFN2-xTB that relaxation leads to, median over conformers",
           _relaxation, _strain, "xtb_relaxation"),
    Metric("xtb_moved_median", "moved", "Å", 3, "low", "heavy-atom RMSD to that minimum, median over conformers",
           _relaxation, _moved, "xtb_relaxation"),
    Metric("aimnet2_strain_median", "in AIMNet2", "kcal/mol", 2, "low",
           "energy above the minimum of AIMNet2 that relaxation leads to, median over conformers",
           _aimnet2_strain, median_of_conformers),
    _shown("processor_seconds_per_conformer", "time", unit="ms", digits=2,
           meaning="processor time of one thread for a conformer returned"),
    replace(_OF_REPORT["wall_seconds_per_conformer"], in_table=False),
    *(_OF_REPORT[f"cov_{kind}_{t}_median"] for kind in ("recall", "precision") for t in COVERAGE_THRESHOLDS),
    Metric("returned", "returned", "%", 1, "high", "former name of returned_pooled, which goes in the next release",
           over_molecules=_returned_pooled, in_table=False),
    replace(_OF_REPORT["processor_seconds_per_conformer"], key="seconds_per_conformer", in_table=False,
            meaning="former name of processor_seconds_per_conformer, which goes in the next release"),
)  # fmt: skip
"""In the order of the table."""
