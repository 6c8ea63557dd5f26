"""Pictures of the report on images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from molediff.evaluation.images.metrics.near_copies import Nearest
from molediff.evaluation.images.quality import ImageQuality
from molediff.evaluation.images.sweeps import Curve
from molediff.evaluation.report.style import DATA_COLOUR, FIGURE_STYLE, METHOD_COLOURS


def guidance_figure(qualities: Mapping[float, ImageQuality], real: ImageQuality) -> Figure:
    """Fidelity against diversity: shares by the scale, precision against recall, and the Frechet distance.

    Args:
        qualities: by guidance scale.
        real: of as many real training images.
    """
    scales = list(qualities)
    shares = {
        "class as asked": [100 * (q.accuracy or 0.0) for q in qualities.values()],
        "precision": [100 * q.precision for q in qualities.values()],
        "recall": [100 * q.recall for q in qualities.values()],
    }
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 2.9), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        for colour, (name, values) in zip(METHOD_COLOURS, shares.items(), strict=False):
            left.plot(scales, values, "o-", color=colour, label=name, markersize=4)
        left.set(title="Fidelity and diversity", xlabel="guidance scale", ylabel="images / %", ylim=(0, 103))
        left.legend(loc="lower left")
        middle.plot(shares["recall"], shares["precision"], "o-", color=METHOD_COLOURS[0], markersize=4)
        for scale, x, y in zip(scales, shares["recall"], shares["precision"], strict=True):
            middle.annotate(f"{scale:g}", (x, y), xytext=(5, 4), textcoords="offset points", fontsize=8)
        middle.plot(
            100 * real.recall, 100 * real.precision, "s", color=DATA_COLOUR, label="real training images"
        )
        middle.set(title="One for the other", xlabel="recall / %", ylabel="precision / %")
        middle.legend(loc="lower left")
        right.plot(scales, [q.ratio for q in qualities.values()], "o-", color=METHOD_COLOURS[0], markersize=4)
        right.axhline(1, color=DATA_COLOUR, linewidth=1.5)
        right.annotate("real training images", (scales[-1], 1), xytext=(0, 4), textcoords="offset points",
                       ha="right", fontsize=8, color="#69707d")  # fmt: skip
        right.set(
            title="Fréchet distance",
            xlabel="guidance scale",
            ylabel="times that of real images",
            ylim=(0, None),
        )
    return figure


def nearest_figure(nearest: Mapping[str, Nearest], threshold: float) -> Figure:
    """How near images come to the training images: share of them within each distance."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 2.9), layout="constrained")
        axes = figure.subplots()
        for number, (name, found) in enumerate(nearest.items()):
            distances = np.sort(found.distance)
            share = 100 * np.arange(1, len(distances) + 1) / len(distances)
            is_real = number == len(nearest) - 1
            axes.step(
                distances,
                share,
                where="post",
                color=DATA_COLOUR if is_real else METHOD_COLOURS[number],
                linewidth=2.2 if is_real else 1.6,
                label=name if is_real else f"generated, {name}",
            )
        axes.axvline(threshold, color="#c9372c", linestyle=(0, (4, 2)), linewidth=1)
        axes.annotate("near-copy", (threshold, 90), xytext=(-4, 0), textcoords="offset points",
                      ha="right", fontsize=8, color="#c9372c")  # fmt: skip
        axes.set(
            title="Distance to the nearest training image",
            xlabel="root mean square difference of the pixels (white is 1)",
            ylabel="images within / %",
            xlim=(0, None),
            ylim=(0, 101),
        )
        axes.legend(loc="lower right")
    return figure


def solver_figure(curves: Sequence[Curve], floor: float) -> Figure:
    """Frechet distance over its floor against evaluations; ODE solvers left, stochastic ones right."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 3.2), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        colours = {curve.solver: colour for curve, colour in zip(curves, METHOD_COLOURS, strict=False)}
        for axes, stochastic in zip(panels, (False, True), strict=True):
            for curve in curves:
                if curve.stochastic == stochastic:
                    axes.plot(
                        curve.num_evaluations,
                        [distance / floor for distance in curve.frechet],
                        "o-",
                        color=colours[curve.solver],
                        label=curve.solver,
                        markersize=4,
                    )
            _dress(axes, "the SDE" if stochastic else "the probability-flow ODE", curves)
        panels[0].set_ylabel("Fréchet distance over that of real images")
    return figure


def _dress(axes: Axes, title: str, curves: Sequence[Curve]) -> None:
    axes.axhline(1, color=DATA_COLOUR, linewidth=1.5, label="real training images")
    ticks = sorted(
        {count for curve in curves for count in curve.num_evaluations if count in (5, 10, 20, 50, 100)}
    )
    axes.set(title=title, xlabel="network evaluations an image", xscale="log", yscale="log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_yticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5", "1", "2", "5", "10", "20", "50"])
    axes.minorticks_off()
    axes.legend(loc="upper right")
