"""What choices of the training are worth, as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from molediff.evaluation.conformers.benchmark.metrics import BENCHMARK_METRICS
from molediff.evaluation.report.text import markdown_table

KEYS = (
    "mat_recall_mean",
    "mat_precision_mean",
    "cov_recall_0.1_mean",
    "returned_pooled",
    "wrong_stereo_drawn",
)
"""Metrics of the benchmark that are shown."""


def training_table(found: Mapping[str, Sequence[Mapping[str, Any]]], evaluations: Sequence[int]) -> str:
    """A Markdown table with a line for each variant, means over its runs.

    Args:
        found: rows of each variant: "processor_seconds" and "figures" by number of evaluations, None where there is
            nothing to average.
        evaluations: which of these are shown.
    """
    metrics = [metric for key in KEYS for metric in BENCHMARK_METRICS if metric.key == key]
    head = ["choice", "runs", "processor min"]
    for number in evaluations:
        head += [f"{metric.title}{' %' * (metric.unit == '%')}, {number}" for metric in metrics]
    lines = []
    for variant, rows in found.items():
        cells = [variant, str(len(rows)), f"{fmean(row['processor_seconds'] for row in rows) / 60:.1f}"]
        for number in evaluations:
            for metric in metrics:
                values = [row["figures"][str(number)][metric.key] for row in rows]
                cells.append(metric.text(math.nan if None in values else fmean(values)))
        lines.append(cells)
    return markdown_table(head, lines)
