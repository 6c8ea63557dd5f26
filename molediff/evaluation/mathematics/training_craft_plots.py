"""Picture of `benchmark=training_craft`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from molediff.evaluation.report.style import DATA_COLOUR, FIGURE_STYLE, METHOD_COLOURS

Run = Sequence[Mapping[str, float]]
"""Rows of one run: "step", and the excess under the names below."""

BANDS = {"low_noise": "low noise, 0 < lambda < 5", "high_noise": "high noise, -5 < lambda < 0"}


def final_values(runs: Sequence[Run]) -> list[tuple[float, float]]:
    """Geometric mean over the runs of the final excess, and the factor of one standard error of it.

    Returns:
        A pair for low and high noise with the last weights, then for low and high noise with the averaged ones.
    """
    return [
        _mean_and_error(_final(runs, f"val/{kind}{band}"))
        for kind in ("excess_", "averaged_excess_")
        for band in BANDS
    ]


def craft_figure(curves: Mapping[str, Mapping[str, Sequence[Run]]], untrained: Mapping[str, float]) -> Figure:
    """Excess against steps, a row for each part of the experiment, a column for low and for high noise.

    Lines are geometric means over the seeds of the excess of the weights as they are, shaded from the least to the
    largest; a dot at the right is the final excess of the averaged weights with its standard error.

    Args:
        curves: by part and variant, the rows of each seed's run.
        untrained: by band, the excess before training, drawn as a dashed line.
    """
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 0.4 + 2.7 * len(curves)), layout="constrained")
        grid = figure.subplots(len(curves), 2, sharex=True, sharey="row", squeeze=False)
        for row, (part, variants) in zip(grid, curves.items(), strict=True):
            for axes, (band, title) in zip(row, BANDS.items(), strict=True):
                for k, (variant, runs) in enumerate(variants.items()):
                    _draw(axes, runs, band, METHOD_COLOURS[k], variant, k)
                axes.axhline(
                    untrained[band], color=DATA_COLOUR, linestyle="--", linewidth=1, label="before training"
                )
                axes.set(title=f"{part}: {title}", yscale="log")
            row[0].set_ylabel("excess loss of v")
            row[1].legend(loc="upper right", ncols=2)
        for axes in grid[-1]:
            axes.set_xlabel("steps; at the right, the averaged weights")
    return figure


def _draw(axes: Axes, runs: Sequence[Run], band: str, colour: str, label: str, place: int) -> None:
    steps = [row["step"] for row in min(runs, key=len)]
    values = np.array([[row[f"val/excess_{band}"] for row in run[: len(steps)]] for run in runs])
    axes.plot(steps, np.exp(np.log(values).mean(0)), color=colour, label=label, linewidth=1.4)
    axes.fill_between(steps, values.min(0), values.max(0), color=colour, alpha=0.15, linewidth=0)
    mean, factor = _mean_and_error(_final(runs, f"val/averaged_excess_{band}"))
    end = max(row["step"] for run in runs for row in run)
    x = end * (1.04 + 0.025 * place)
    axes.errorbar(
        x, mean, [[mean - mean / factor], [mean * factor - mean]], fmt="o", color=colour, markersize=4
    )


def _final(runs: Sequence[Run], name: str) -> np.ndarray:
    """Last value of each run, (num_runs,)."""
    return np.array([run[-1][name] for run in runs])


def _mean_and_error(values: np.ndarray) -> tuple[float, float]:
    logs = np.log(values)
    error = logs.std(ddof=1) / len(logs) ** 0.5 if len(logs) > 1 else 0.0
    return float(np.exp(logs.mean())), float(np.exp(error))
