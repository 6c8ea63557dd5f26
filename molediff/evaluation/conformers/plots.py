"""The pictures of the report, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from molediff.evaluation.conformers.evaluate import DATA_ROW, Evaluation
from molediff.evaluation.conformers.metrics.distributions import Pool, pool
from molediff.evaluation.conformers.results import MethodResult
from molediff.evaluation.conformers.summary import failing_fractions
from molediff.evaluation.report.html import svg
from molediff.evaluation.report.style import DATA_COLOUR, FIGURE_STYLE, METHOD_COLOURS


def colours(evaluation: Evaluation) -> dict[str, str]:
    """A colour for each method; the data are grey."""
    methods = [method.name for method in evaluation.methods if not method.is_data]
    named = {name: METHOD_COLOURS[index % len(METHOD_COLOURS)] for index, name in enumerate(methods)}
    return {DATA_ROW: DATA_COLOUR, **named}


def all_plots(evaluation: Evaluation) -> dict[str, str]:
    """Every picture by its title, as SVG text; those that have nothing to show are left out."""
    figures = {
        "Distance to the reference": ("rmsd", _rmsd_curves),
        "Bond lengths against the data": ("geometry", lambda e: _histograms(e, "bond_lengths", "length / Å")),
        "Bond angles against the data": ("geometry", lambda e: _histograms(e, "bond_angles", "angle / °")),
        "Ring planarity against the data": ("geometry", _ring_curves),
        "Strain energy": ("strain", _strain_curves),
        "Checks failed": (None, _check_dots),
        "Seconds a conformer": (None, _seconds_bars),
    }
    measured = {metric.measurement for metric in evaluation.metrics}
    drawn = {}
    with matplotlib.rc_context(FIGURE_STYLE):
        for title, (needed, draw) in figures.items():
            figure = draw(evaluation) if needed is None or needed in measured else None
            if figure is not None:
                drawn[title] = svg(figure)
    return drawn


def _curve(axes: Axes, values: np.ndarray, total: float, limit: float, **style: Any) -> None:
    """Fraction of `total` that lies below x, for x from 0 to `limit`; values that do not exist never arrive."""
    inside = np.sort(values[values <= limit])
    fraction = np.arange(1, inside.size + 1) / max(total, 1)
    x = np.concatenate([[0.0], inside, [limit]])
    y = np.concatenate([[0.0], fraction, fraction[-1:] if fraction.size else [0.0]])
    axes.step(x, 100 * y, where="post", **style)
    axes.set_xlim(0, limit)
    axes.set_ylim(0, 101)


def _methods(evaluation: Evaluation) -> list[MethodResult]:
    return [method for method in evaluation.methods if not method.is_data]


def _rmsd_curves(evaluation: Evaluation) -> Figure | None:
    if not _methods(evaluation):
        return None
    figure = Figure(figsize=(9.2, 3.1))
    left, right = figure.subplots(1, 2)
    for method in _methods(evaluation):
        style: dict[str, Any] = {
            "color": colours(evaluation)[method.name],
            "label": method.name,
            "linewidth": 1.6,
        }
        best = np.concatenate([molecule["rmsd"].min(axis=1, initial=np.inf) for molecule in method.molecules])
        every = np.concatenate([molecule["rmsd"].min(axis=0) for molecule in method.molecules])
        _curve(left, best, best.size, 1.0, **style)
        _curve(right, every, sum(molecule.num_requested for molecule in method.molecules), 1.5, **style)
    left.set(title="Best conformer of a molecule", xlabel="RMSD / Å", ylabel="molecules within / %")
    right.set(title="All conformers", xlabel="RMSD / Å", ylabel="conformers within / %")
    left.legend(loc="lower right")
    figure.subplots_adjust(wspace=0.22)
    return figure


def _pools(evaluation: Evaluation, attribute: str) -> dict[str, dict[str, Pool]]:
    return {
        method.name: pool(getattr(m["geometry"], attribute) for m in method.molecules if not m.failed)
        for method in evaluation.methods
    }


def _commonest(pools: Mapping[str, Mapping[str, Pool]], number: int) -> list[str]:
    data = pools[DATA_ROW]
    return sorted(data, key=lambda kind: -data[kind].weights.sum())[:number]


def _histograms(evaluation: Evaluation, attribute: str, label: str) -> Figure | None:
    """Small multiples of the eight commonest kinds; the reference geometries of the same molecules are filled."""
    pools = _pools(evaluation, attribute)
    kinds = _commonest(pools, 8)
    if not kinds:
        return None
    figure = Figure(figsize=(9.2, 2.0 * -(-len(kinds) // 4)))
    grid = figure.subplots(-(-len(kinds) // 4), 4, squeeze=False)
    for axes, kind in zip(grid.flat, kinds, strict=False):
        _histogram(
            axes, {name: by_kind[kind] for name, by_kind in pools.items() if kind in by_kind}, evaluation
        )
        axes.set_title(kind)
    for axes in grid.flat[len(kinds) :]:
        axes.remove()
    grid[-1, 0].set_xlabel(label)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.1, 1.07), ncols=len(labels))
    figure.subplots_adjust(hspace=0.5, wspace=0.12)
    return figure


def _histogram(axes: Axes, pools: Mapping[str, Pool], evaluation: Evaluation) -> None:
    values = np.concatenate([entry.values for entry in pools.values()])
    low, high = np.quantile(values, [0.002, 0.998])
    margin = max(0.05 * (high - low), 1e-3)
    bins = np.linspace(low - margin, high + margin, 46)
    for name, entry in pools.items():
        density = np.histogram(entry.values, bins, weights=entry.weights / entry.weights.sum())[0]
        if name == DATA_ROW:
            axes.stairs(density, bins, fill=True, color="#d5d9e0", label=name)
        else:
            axes.stairs(density, bins, color=colours(evaluation)[name], linewidth=1.3, label=name)
    axes.set_yticks([])
    axes.grid(False)
    axes.spines["left"].set_visible(False)


def _ring_curves(evaluation: Evaluation) -> Figure | None:
    pools = _pools(evaluation, "ring_planarity")
    kinds = _commonest(pools, 4)
    if not kinds:
        return None
    figure = Figure(figsize=(9.2, 2.2))
    row = figure.subplots(1, 4, sharey=True)
    for axes, kind in zip(row, kinds, strict=False):
        entries = {name: by_kind[kind] for name, by_kind in pools.items() if kind in by_kind}
        limit = max(0.05, max(float(np.quantile(entry.values, 0.99)) for entry in entries.values()))
        for name, entry in entries.items():
            style: dict[str, Any] = {"color": colours(evaluation)[name], "label": name}
            _curve(
                axes,
                entry.values,
                entry.values.size,
                limit,
                linewidth=2.6 if name == DATA_ROW else 1.4,
                **style,
            )
        axes.set_title(kind)
    for axes in row[len(kinds) :]:
        axes.remove()
    row[0].set(xlabel="largest distance from plane / Å", ylabel="rings within / %")
    row[0].legend(loc="lower right", fontsize=7)
    figure.subplots_adjust(wspace=0.12)
    return figure


def _strain_curves(evaluation: Evaluation) -> Figure | None:
    figure = Figure(figsize=(4.5, 2.9))
    axes = figure.subplots()
    strains = {
        method.name: np.concatenate([molecule["strain"] for molecule in method.molecules])
        for method in evaluation.methods
    }
    finite = np.concatenate(list(strains.values()))
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return None
    limit = max(5.0, float(np.quantile(finite, 0.97)))
    for name, strain in strains.items():
        strain = np.maximum(strain[np.isfinite(strain)], 0.0)
        style: dict[str, Any] = {
            "color": colours(evaluation)[name],
            "label": name,
            "linewidth": 2.6 if name == DATA_ROW else 1.5,
        }
        _curve(axes, strain, strain.size, limit, **style)
    axes.set(
        xlabel="energy above the MMFF94s minimum nearby / kcal mol$^{-1}$", ylabel="conformers within / %"
    )
    axes.legend(loc="lower right", fontsize=7.5)
    return figure


def _check_dots(evaluation: Evaluation) -> Figure | None:
    """Fraction of conformers that fail each check, for the checks that some conformer fails."""
    failing = {
        method.name: failing_fractions(method, evaluation.summaries[method.name], evaluation.metrics)
        for method in evaluation.methods
    }
    names = list(dict.fromkeys(name for fractions in failing.values() for name in fractions))
    names = [name for name in names if any(entry.get(name, 0.0) > 0 for entry in failing.values())]
    if not names:
        return None
    figure = Figure(figsize=(4.5, 0.6 + 0.32 * len(names)))
    axes = figure.subplots()
    offsets = np.linspace(-0.26, 0.26, len(failing))
    for offset, (method_name, fractions) in zip(offsets, failing.items(), strict=True):
        y = [row + offset for row, name in enumerate(names) if name in fractions]
        x = [100 * fractions[name] for name in names if name in fractions]
        axes.plot(x, y, "o", markersize=4, color=colours(evaluation)[method_name], label=method_name)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    axes.set_xlim(-0.08, 110)
    axes.set_xlabel("conformers that fail, of those asked for / %")
    axes.grid(axis="y", linestyle=":")
    return figure


def _seconds_bars(evaluation: Evaluation) -> Figure | None:
    seconds = {
        method.name: value
        for method in _methods(evaluation)
        if np.isfinite(
            value := evaluation.summaries[method.name].get("processor_seconds_per_conformer", np.nan)
        )
    }
    if not seconds:
        return None
    figure = Figure(figsize=(4.5, 0.5 + 0.36 * len(seconds)))
    axes = figure.subplots()
    names = list(seconds)
    milliseconds = [1000 * seconds[name] for name in names]
    bars = axes.barh(names, milliseconds, color=[colours(evaluation)[name] for name in names], height=0.6)
    axes.bar_label(bars, [f"{value:.3g} ms" for value in milliseconds], padding=4, color="#444b57")
    axes.set_xscale("log")
    axes.set_xlim(min(milliseconds) / 4, max(milliseconds) * 4)
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds of processor time, failures included")
    axes.grid(axis="y", visible=False)
    return figure
