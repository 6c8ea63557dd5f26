"""What choices of the training are worth, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

COLUMNS = (
    ("mat_recall_mean", "MAT-R", 1, 3),
    ("mat_precision_mean", "MAT-P", 1, 3),
    ("cov_recall_0.1_mean", "COV-R 0.1", 100, 1),
    ("returned", "returned %", 100, 1),
    ("wrong_stereo_drawn", "wrong stereo %", 100, 2),
)
"""Key in the figures of a row, title, factor and digits."""


def training_table(found: Mapping[str, Sequence[Mapping[str, Any]]], evaluations: Sequence[int]) -> str:
    """A Markdown table with a line for each variant, means over its runs.

    Args:
        found: rows of each variant: "processor_seconds" and "figures" by number of evaluations, None where there is
            nothing to average.
        evaluations: which of these are shown.
    """
    head = ["choice", "runs", "processor min"]
    head += [f"{title}, {number}" for number in evaluations for _, title, _, _ in COLUMNS]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for variant, rows in found.items():
        cells = [variant, str(len(rows)), f"{fmean(row['processor_seconds'] for row in rows) / 60:.1f}"]
        for number in evaluations:
            for key, _, factor, digits in COLUMNS:
                values = [row["figures"][str(number)][key] for row in rows]
                cells.append("-" if None in values else f"{factor * fmean(values):.{digits}f}")
        lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
