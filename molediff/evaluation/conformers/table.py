"""The table of methods and figures as plain text, and what it has in common with that of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from molediff.evaluation.conformers.evaluate import DATA_ROW, Evaluation
from molediff.evaluation.conformers.metrics import RMSD, SECONDS, SUCCESS
from molediff.evaluation.conformers.metrics.metric import Metric
from molediff.evaluation.report.text import text_table as columns_of_text


def blocks(evaluation: Evaluation) -> tuple[list[Metric], list[Metric]]:
    """Columns of the two tables, one for accuracy and one for validity; those of a group stand together."""
    shown = [metric for metric in evaluation.metrics if metric.in_table]
    groups = list(dict.fromkeys(metric.group for metric in shown))
    shown.sort(key=lambda metric: groups.index(metric.group))
    accuracy = [metric for metric in shown if metric.group in (SUCCESS, RMSD, SECONDS)]
    return accuracy, [metric for metric in shown if metric not in accuracy]


def value(evaluation: Evaluation, method: str, metric: Metric) -> float:
    """The figure of a method; NaN where it means nothing."""
    if method == DATA_ROW and not metric.of_data:
        return math.nan
    return evaluation.summaries[method][metric.key]


def best_methods(evaluation: Evaluation, metric: Metric) -> set[str]:
    """Methods whose figure, as shown, is the best of all but the data row."""
    if not metric.better:
        return set()
    figures = {
        name: float(metric.text(figure))
        for name in evaluation.summaries
        if name != DATA_ROW and not math.isnan(figure := value(evaluation, name, metric))
    }
    if len(figures) < 2:
        return set()
    best = min(figures.values()) if metric.better == "low" else max(figures.values())
    return {name for name, figure in figures.items() if figure == best}


def text_table(evaluation: Evaluation) -> str:
    """The table for a terminal: methods in rows, a block of columns for accuracy and one for validity."""
    texts = [_block(evaluation, metrics) for metrics in blocks(evaluation) if metrics]
    return "\n\n".join([*texts, protocol_line(evaluation.protocol)])


def protocol_line(protocol: dict[str, Any]) -> str:
    """How it was measured, in one line."""
    return "; ".join(f"{name}: {setting}" for name, setting in protocol.items())


def _block(evaluation: Evaluation, metrics: Sequence[Metric]) -> str:
    return columns_of_text(
        ["", *(metric.title for metric in metrics)],
        (
            [name, *(metric.text(value(evaluation, name, metric)) for metric in metrics)]
            for name in evaluation.summaries
        ),
        units=["", *(metric.unit for metric in metrics)],
        groups=["", *(metric.group for metric in metrics)],
    )
