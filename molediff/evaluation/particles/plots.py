"""Pictures of the report on particles, as SVG."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from molediff.evaluation.particles.evaluate import ParticleEvaluation
from molediff.evaluation.report.html import svg
from molediff.evaluation.report.style import DATA_COLOUR, FIGURE_STYLE, METHOD_COLOURS
from molediff.sampling.trajectory import Trajectory

_RAW, _REWEIGHTED = METHOD_COLOURS[1], METHOD_COLOURS[0]


def particle_plots(evaluation: ParticleEvaluation, trajectory: Trajectory) -> dict[str, str]:
    """Every picture by its title, as SVG text.

    Args:
        evaluation: what was measured.
        trajectory: of one sample, or of several of which the first is shown.
    """
    figures: dict[str, Callable[[], Figure]] = {
        "Energies and distances, before and after reweighting": lambda: _histograms(evaluation),
        "Weights": lambda: _weights(evaluation),
        "Score against force": lambda: _forces(evaluation),
        "From noise to a configuration": lambda: _trajectory(trajectory),
    }
    with matplotlib.rc_context(FIGURE_STYLE):
        return {title: svg(draw()) for title, draw in figures.items()}


def _histograms(evaluation: ParticleEvaluation) -> Figure:
    figure = Figure(figsize=(9.2, 3.0))
    left, middle, right = figure.subplots(1, 3)
    data, model = evaluation.data, evaluation.model
    share = np.exp(model.log_weights - model.log_weights.max())
    low, high = np.quantile(data.energy, [0.0005, 0.9995])
    _histogram(left, (data.energy, model.energy), share, np.linspace(low - 2, high + 0.15 * (high - low), 60))
    left.set(title="Energies", xlabel="u = U / kT")
    outside = float((~(model.energy <= left.get_xlim()[1])).mean())
    left.text(
        0.98, 0.5, f"{100 * outside:.2g} % of the\nsamples beyond", transform=left.transAxes, ha="right", size=7.5
    )  # fmt: skip
    pairs = data.distances.shape[1]
    distances = (data.distances.ravel(), model.distances.ravel())
    _histogram(middle, distances, share.repeat(pairs), np.linspace(0, np.quantile(distances[0], 0.9999), 90))
    middle.set(title="Distances between particles", xlabel="r")
    _profile(right, (data.contacts, model.contacts), share)
    left.legend(loc="upper right", fontsize=7.5)
    figure.subplots_adjust(wspace=0.25)
    return figure


def _histogram(
    axes: Axes, values: tuple[np.ndarray, np.ndarray], weights: np.ndarray, bins: np.ndarray
) -> None:
    data, model = values
    every = np.histogram(data, bins)[0] / len(data)
    axes.stairs(every, bins, fill=True, color="#d5d9e0", label="Monte Carlo")
    axes.stairs(np.histogram(model, bins)[0] / len(model), bins, color=_RAW, linewidth=1.2, label="samples")
    own = np.histogram(model, bins, weights=weights / weights.sum())[0]
    axes.stairs(own, bins, color=_REWEIGHTED, linewidth=1.2, label="samples, reweighted")
    axes.set_yticks([])
    axes.set_xlim(bins[0], bins[-1])
    axes.grid(False)


def _profile(axes: Axes, contacts: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> None:
    """Free energy -log p of the number of contacts."""
    data, model = contacts
    numbers = np.arange(data.min(), data.max() + 1)
    for values, share, colour, width in (
        (data, np.ones(len(data)), DATA_COLOUR, 3.5),
        (model, np.ones(len(model)), _RAW, 1.2),
        (model, weights, _REWEIGHTED, 1.2),
    ):
        found = np.bincount(values, share / share.sum(), minlength=numbers[-1] + 1)[numbers]
        with np.errstate(divide="ignore"):
            axes.plot(numbers, -np.log(found), color=colour, linewidth=width, marker=".", markersize=3)
    axes.set(title="Free energy by number of contacts", xlabel="pairs in contact", ylabel="kT")


def _weights(evaluation: ParticleEvaluation) -> Figure:
    """How the samples' densities follow their energies, and the log-weights about log Z."""
    figure = Figure(figsize=(9.2, 2.9))
    left, right = figure.subplots(1, 2)
    model, log_z = evaluation.model, evaluation.truths["log_normalizer"].value
    kept = np.isfinite(model.log_weights)
    centred = model.log_weights[kept] - log_z
    exact, density = -model.energy[kept] - log_z, -model.energy[kept] - model.log_weights[kept]
    left.plot(exact, density, ".", color=_RAW, markersize=1.5, alpha=0.4, rasterized=True)
    ends = np.quantile(exact, [0.002, 0.9999])
    left.plot(ends, ends, color="#1d2129", linewidth=0.9)
    left.set(
        xlim=ends, title="Density of the model at its samples", xlabel=r"Boltzmann, $-u - \log Z$", ylabel="model"
    )  # fmt: skip
    left.set_ylim(np.quantile(density, [0.001, 0.9999]))
    low, high = np.clip(np.quantile(centred, [0.002, 0.9999]), -8, 8)
    bins = np.linspace(low, high, 70)
    right.stairs(np.histogram(centred, bins)[0] / len(centred), bins, fill=True, color=_RAW, alpha=0.6)
    right.axvline(0, color="#1d2129", linewidth=0.9)
    right.set(title="Log-weights: Boltzmann over model", xlabel="nats", yticks=[])
    figure.subplots_adjust(wspace=0.2)
    return figure


def _forces(evaluation: ParticleEvaluation) -> Figure:
    """Cosine and size over the noise level, mean and standard error over the seeds."""
    figure = Figure(figsize=(9.2, 2.9))
    panels = figure.subplots(1, 2)
    rows = list(evaluation.forces.values())
    noise = np.array([level.noise for level in rows[0]])
    for axes, name, title in zip(
        panels,
        ("cosine", "scale"),
        ("Cosine of the angle between score and force", "Score over force, least squares"),
        strict=True,
    ):
        values = np.array([[getattr(level, name) for level in row] for row in rows])
        error = values.std(0, ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else np.zeros(len(noise))
        axes.errorbar(
            noise, values.mean(0), error, color=_REWEIGHTED, marker="o", markersize=3, linewidth=1.3
        )
        axes.axhline(1, color="#1d2129", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", title=title, xlabel=r"noise $\sigma/\alpha$ in the unit of length")
        axes.set_ylim(-0.05, 1.15)
    figure.subplots_adjust(wspace=0.2)
    return figure


def _trajectory(trajectory: Trajectory) -> Figure:
    """Ways of the particles of the first sample in the plane: the states, and what the network takes them to be."""
    figure = Figure(figsize=(9.2, 3.9))
    for axes, states, title in zip(
        figure.subplots(1, 2),
        (trajectory.x_t[:, 0], trajectory.x_0_hat[:, 0]),
        (r"state $x_t$", r"estimate $\hat x_0(x_t)$"),
        strict=True,
    ):
        for number, way in enumerate(states.transpose(1, 2, 0)):
            colour = METHOD_COLOURS[number % len(METHOD_COLOURS)]
            axes.plot(way[0], way[1], color=colour, linewidth=0.9, alpha=0.7)
            axes.plot(*way[:2, -1], "o", color=colour, markersize=7, markeredgecolor="white")
        axes.set(title=title, aspect="equal", xticks=[], yticks=[])
    return figure
