"""Pictures of `benchmark=solvers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from molediff.evaluation.mathematics.exact_law import Floor
from molediff.evaluation.mathematics.ode_against_sde import Quality
from molediff.evaluation.mathematics.solver_errors import Curve
from molediff.evaluation.report.style import DATA_COLOUR, FIGURE_STYLE, METHOD_COLOURS

_EVALUATIONS = "network evaluations a sample"
_LIMITS: dict[str, Any] = {  # what few evaluations throw beyond these is far off, how far does not matter
    "wasserstein": {"ylim": (0.02, 1.5)},
    "lost_weight": {
        "ylim": (0.01, 0.5),
        "yticks": (0.01, 0.03, 0.1, 0.3),
        "yticklabels": ("1 %", "3 %", "10 %", "30 %"),
    },
    "spread": {"ylim": (0.6, 4.0), "yticks": (0.7, 1, 2, 4), "yticklabels": ("0.7", "1", "2", "4")},
}
_DASHES = {True: (0, (4, 1.5)), False: "solid"}  # stochastic or not


def error_figure(curves: Sequence[Curve], floors: Mapping[str, Floor], stochastic: bool) -> Figure:
    """Error against evaluations, one panel a path, both axes logarithmic.

    Args:
        curves: of all paths.
        floors: law errors of exact samples, by path.
        stochastic: draw the stochastic solvers by the error of their law; else the ODE solvers by that of the flow.
    """
    chosen = [curve for curve in curves if curve.stochastic == stochastic]
    solvers = list(dict.fromkeys(curve.solver for curve in chosen))
    paths = list(dict.fromkeys(curve.path for curve in chosen))
    with matplotlib.rc_context(FIGURE_STYLE):
        num_rows = -(-len(paths) // 4)
        figure = Figure(figsize=(9.6, 0.8 + 2.35 * num_rows), layout="constrained")
        grid = figure.subplots(num_rows, min(len(paths), 4), sharex=True, sharey=True, squeeze=False)
        for axes, path in zip(grid.flat, paths, strict=False):
            for curve in chosen:
                if curve.path == path:
                    colour = METHOD_COLOURS[solvers.index(curve.solver)]
                    axes.plot(
                        curve.num_evaluations,
                        curve.errors,
                        "o-",
                        color=colour,
                        label=curve.solver,
                        markersize=3,
                        linewidth=1.3,
                    )
            if stochastic:
                draw_floor(axes, floors[path])
            axes.set(title=path, yscale="log", ylim=(None, 5.0))
            label_evaluations(axes)
        for axes in grid.flat[len(paths) :]:
            axes.remove()
        for axes in grid[-1]:
            axes.set_xlabel(_EVALUATIONS)
        for axes in grid[:, 0]:
            axes.set_ylabel("Wasserstein distance to the law" if stochastic else "distance to the exact flow")
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=4)
    return figure


def quality_figure(qualities: Sequence[Quality], floor: Mapping[str, Floor]) -> Figure:
    """ODE (solid) against SDE (dashed): a row for each network, a column for each figure."""
    columns = {
        "wasserstein": "quality: Wasserstein distance",
        "lost_weight": "diversity: weight in wrong modes",
        "spread": "diversity: width of the modes / exact",
    }
    networks = list(dict.fromkeys(quality.network for quality in qualities))
    solvers = list(dict.fromkeys(quality.solver for quality in qualities))
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 0.6 + 2.5 * len(networks)), layout="constrained")
        grid = figure.subplots(len(networks), 3, sharex=True, sharey="col", squeeze=False)
        for axes, title in zip(grid[0], columns.values(), strict=True):
            axes.set_title(title)
        for row, network in zip(grid, networks, strict=True):
            for axes, name in zip(row, columns, strict=True):
                for quality in qualities:
                    if quality.network == network:
                        axes.plot(
                            quality.num_evaluations,
                            getattr(quality, name),
                            marker="o",
                            linestyle=_DASHES[quality.stochastic],
                            color=METHOD_COLOURS[solvers.index(quality.solver)],
                            label=f"{quality.solver} ({'SDE' if quality.stochastic else 'ODE'})",
                            markersize=3,
                            linewidth=1.4,
                        )
                draw_floor(axes, floor[name])
                axes.set(yscale="log", **_LIMITS[name])
                label_evaluations(axes)
            row[0].set_ylabel(f"network {network}", fontweight="bold")
        for axes in grid[-1]:
            axes.set_xlabel(_EVALUATIONS)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=3)
    return figure


def label_evaluations(axes: Axes) -> None:
    """A logarithmic axis of evaluations, with plain numbers."""
    axes.set_xscale("log")
    axes.set_xticks([5, 20, 100, 1000], ["5", "20", "100", "1000"])
    axes.minorticks_off()


def draw_floor(axes: Axes, floor: Floor) -> None:
    """Shade what exact samples reach."""
    axes.axhspan(*floor, color=DATA_COLOUR, alpha=0.35, linewidth=0, zorder=0, label="exact samples")
