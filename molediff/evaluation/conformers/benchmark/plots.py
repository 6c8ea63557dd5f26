"""Pictures of `benchmark=conformers`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from molediff.evaluation.conformers.benchmark.rows import Row
from molediff.evaluation.conformers.metrics.recall_precision import COVERAGE_THRESHOLDS
from molediff.evaluation.report.style import DATA_COLOUR, FIGURE_STYLE, METHOD_COLOURS

_THRESHOLDS = np.linspace(0, 1, 201)
_QUALITY = {
    "mat_recall_mean": "MAT-R: a reference to the nearest conformer / Å",
    "mat_precision_mean": "MAT-P: a conformer to the nearest reference / Å",
    "cov_recall_0.1_mean": "COV-R at 0.1 Å / %",
    "cov_precision_0.1_mean": "COV-P at 0.1 Å / %",
}


def coverage_figure(
    rows: Sequence[Row], marked: Sequence[float] = COVERAGE_THRESHOLDS, farthest: float = 1.0
) -> Figure:
    """Coverage against its threshold, recall and precision; the vertical lines are the thresholds of the table.

    Args:
        rows: a line each.
        marked: thresholds of the table, in Angstrom.
        farthest: end of the axis, in Angstrom.
    """
    thresholds = np.linspace(0, farthest, 201)
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        colours = iter(METHOD_COLOURS * 4)
        for row in rows:
            colour = DATA_COLOUR if row.kind == "data" else next(colours)
            for axes, curve in ((left, recall_curve), (right, precision_curve)):
                share = 100 * curve(row, thresholds)
                axes.plot(thresholds, share, label=row.name, linewidth=1.5, color=colour)
        for axes in (left, right):
            for threshold in marked:
                axes.axvline(threshold, color=DATA_COLOUR, linewidth=0.7, zorder=0)
            axes.set(xlim=(0, farthest), ylim=(0, 101), xlabel="threshold / Å")
        left.set(title="references covered (COV-R)", ylabel="%")
        right.set(title="conformers near a reference (COV-P)")
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure


def recall_curve(row: Row, thresholds: np.ndarray = _THRESHOLDS) -> np.ndarray:
    """Fraction of references nearer to a sample than each threshold, mean over molecules; failures are 0."""
    fractions = [(np.array(entries)[None] < thresholds[:, None]).mean(axis=1) for entries in row.recall]
    return np.asarray(np.mean(fractions, axis=0))


def precision_curve(row: Row, thresholds: np.ndarray = _THRESHOLDS) -> np.ndarray:
    """Fraction of the samples asked for nearer to a reference than each threshold, mean over molecules."""
    fractions = [
        (np.array(entries)[None] < thresholds[:, None]).sum(axis=1) / requested
        for entries, requested in zip(row.precision, row.num_requested, strict=True)
    ]
    return np.asarray(np.mean(fractions, axis=0))


def evaluations_figure(rows: Sequence[Row]) -> Figure:
    """Quality against network evaluations, a line for each solver, levels for the methods without a network."""
    return _quality_figure(rows, lambda row: row.num_evaluations, "network evaluations a sample")


def seconds_figure(rows: Sequence[Row]) -> Figure:
    """Quality against processor time a conformer, all methods on one picture."""
    return _quality_figure(
        rows,
        lambda row: 1000 * row.figures["processor_seconds_per_conformer"],
        "milliseconds a conformer, one thread",
    )


def _quality_figure(rows: Sequence[Row], position: Callable[[Row], float | None], label: str) -> Figure:
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 6.4), layout="constrained")
        grid = figure.subplots(2, 2, sharex=True)
        for axes, (key, title) in zip(grid.flat, _QUALITY.items(), strict=True):
            _draw(axes, rows, key, position)
            axes.set(title=title, xscale="log")
            if key.startswith("mat"):
                axes.set_ylim(bottom=0)
        for axes in grid[-1]:
            axes.set_xlabel(label)
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure


def _draw(axes: Axes, rows: Sequence[Row], key: str, position: Callable[[Row], float | None]) -> None:
    """A line for each solver of ours, a mark or, where there is no position, a level for each other method."""
    factor = 1 if key.startswith("mat") else 100
    lines: dict[str, list[tuple[float, float]]] = {}
    colour = iter(METHOD_COLOURS * 4)
    for row in rows:
        x, y = position(row), factor * row.figures[key]
        if row.kind == "ours" and x is not None and math.isfinite(x):
            lines.setdefault(row.solver, []).append((x, y))
    for solver, points in lines.items():
        x_values, y_values = zip(*points, strict=True)
        axes.plot(x_values, y_values, "o-", color=next(colour), label=solver, markersize=3.5, linewidth=1.5)
    for row in rows:
        if row.kind == "ours":
            continue
        x, y = position(row), factor * row.figures[key]
        look = DATA_COLOUR if row.kind == "data" else next(colour)
        if x is not None and math.isfinite(x):
            axes.plot([x], [y], "D", color=look, label=row.name, markersize=6)
        else:
            axes.axhline(y, color=look, linestyle=(0, (4, 2)), linewidth=1.3, label=row.name)
