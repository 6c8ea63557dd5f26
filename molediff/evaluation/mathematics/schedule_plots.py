"""Pictures of `benchmark=schedules`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from molediff.evaluation.mathematics.exact_law import Floor
from molediff.evaluation.mathematics.schedules import Schedule, ScheduleQuality, Transition
from molediff.evaluation.mathematics.solver_plots import draw_floor, label_evaluations
from molediff.evaluation.report.style import FIGURE_STYLE, METHOD_COLOURS

_MELTING_COLOUR = "#fbe3c6"


def melting_figure(melting: Transition, schedules: Sequence[Schedule]) -> Figure:
    """lambda against t for every path, the melting curve against lambda, and the identity left against t."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 3.5), layout="constrained")
        clock, curve, left = figure.subplots(1, 3)
        solid, molten = melting.lambda_at(0.9), melting.lambda_at(0.1)
        clock.axhspan(molten, solid, color=_MELTING_COLOUR, zorder=0)
        curve.axvspan(molten, solid, color=_MELTING_COLOUR, zorder=0)
        for schedule, colour in zip(schedules, METHOD_COLOURS, strict=True):
            dashes = (0, (3, 3)) if "chain" in schedule.path else "solid"  # it lies on the linear path
            style: dict[str, Any] = {"color": colour, "linestyle": dashes, "linewidth": 1.5}
            clock.plot(schedule.t, schedule.lambda_, label=schedule.path, **style)
            identity = np.interp(schedule.lambda_, melting.lambda_[::-1], melting.identity[::-1])
            left.plot(schedule.t, identity, **style)
        curve.plot(melting.lambda_, melting.identity, color=METHOD_COLOURS[0], label="identity left")
        curve.plot(melting.lambda_, melting.error, color=METHOD_COLOURS[4], label="error of the denoiser")
        curve.invert_xaxis()
        curve.legend(loc="center right", fontsize=8)
        clock.set(
            title="The clock", xlabel="t", ylabel=r"$\lambda = \log(\alpha / \sigma)$", ylim=(-7.5, 7.5)
        )
        curve.set(title="Melting curve, the same for all", xlabel=r"$\lambda$   (heating $\rightarrow$)")
        left.set(title="When each path melts the data", xlabel="t", ylabel="identity of the mode left")
        handles, labels = clock.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=8, columnspacing=1.2, handlelength=1.3)
    return figure


def schedule_quality_figure(qualities: Sequence[ScheduleQuality], floor: Floor) -> Figure:
    """Distance to the law against evaluations: a row for each grid, a column for each solver, a line for each path."""
    solvers = list(dict.fromkeys(quality.solver for quality in qualities))
    grids = list(dict.fromkeys(quality.grid for quality in qualities))
    paths = list(dict.fromkeys(quality.path for quality in qualities))
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 0.6 + 2.4 * len(grids)), layout="constrained")
        rows = figure.subplots(len(grids), len(solvers), sharex=True, sharey=True, squeeze=False)
        for row, grid in zip(rows, grids, strict=True):
            for axes, solver in zip(row, solvers, strict=True):
                for quality in qualities:
                    if (quality.solver, quality.grid) == (solver, grid):
                        axes.plot(
                            quality.num_evaluations,
                            quality.wasserstein,
                            "o-",
                            color=METHOD_COLOURS[paths.index(quality.path)],
                            label=quality.path,
                            markersize=3,
                            linewidth=1.3,
                        )
                draw_floor(axes, floor)
                axes.set(yscale="log", ylim=(0.012, 1.2), title=f"{solver}, {grid}")
                label_evaluations(axes)
                axes.set_xlim(4, 130)
            row[0].set_ylabel("Wasserstein distance to the law")
        for axes in rows[-1]:
            axes.set_xlabel("network evaluations a sample")
        handles, labels = rows[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=8, columnspacing=1.2, handlelength=1.3)
    return figure
