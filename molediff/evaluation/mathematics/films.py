"""Films of diffusion with an exact answer: the density in one dimension, and samples in their force field in two."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from molediff.core.exact.convergence import OneStream
from molediff.core.exact.mixture import Mixture, islands, two_peaks
from molediff.core.paths import CosineVP
from molediff.core.solvers import Ancestral, Heun, Solver
from molediff.evaluation.report.gif import draw_frames, write_gif
from molediff.evaluation.report.style import DATA_COLOUR, FIGURE_STYLE, METHOD_COLOURS

LAMBDA_ENDS = (-3.0, 4.0)
"""What a film shows: below, all is noise; above, nothing moves that the eye could see."""

_SUBSTEPS = 4  # of the solver, a frame
_TRAIL = 10  # steps
_WALKERS = (METHOD_COLOURS[1], METHOD_COLOURS[4])  # of the ODE and of the SDE
_PACE: dict[str, Any] = {"milliseconds": 120, "hold": 1200, "colours": (*_WALKERS, "black")}


def film_density(
    file: str | os.PathLike[str], num_frames: int = 28, num_walkers: int = 14, seed: int = 3
) -> None:
    """Write a GIF of a density in one dimension that melts, and of samples that freeze out of the noise again.

    Left the density at the moment; right the whole of space and time, with walkers of the probability-flow ODE, which
    is exact in one dimension, and of the reverse SDE (ancestral sampling).

    Args:
        file: to write.
        num_frames: of each direction in time.
        num_walkers: of each kind.
        seed: of the walkers.
    """
    path = CosineVP()
    data = two_peaks(path)
    lambdas = torch.linspace(LAMBDA_ENDS[1], LAMBDA_ENDS[0], 8 * num_frames + 1, dtype=torch.float64)
    times = path.t_of_lambda(lambdas)
    x = torch.linspace(-3, 3, 181, dtype=torch.float64)[:, None]
    density = np.stack([data.log_prob(x, t.expand(len(x))).exp().numpy() for t in times], 1)
    start = data.sample(num_walkers, float(times[-1]), torch.Generator().manual_seed(seed))
    flow = np.stack([data.flow(start, float(times[-1]), float(t)).numpy()[:, 0] for t in times], 1)
    walks = _record(Ancestral(), data, times.flip(0), start, seed)[::-1, :, 0].T
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(6.6, 2.7), layout="constrained")
        now, history = figure.subplots(1, 2, width_ratios=(1, 1.7))
        show = _density_frame(now, history, x[:, 0].numpy(), lambdas.numpy(), density, flow, walks)
        forward = np.linspace(0, len(times) - 1, num_frames).round().astype(int)
        frames = [(k, True) for k in forward] + [(k, False) for k in forward[::-1]]
        pictures = draw_frames(figure, show, frames, dpi=75)
    write_gif(file, pictures, **_PACE)


def _density_frame(
    now: Axes,
    history: Axes,
    x: np.ndarray,
    lambdas: np.ndarray,
    density: np.ndarray,
    flow: np.ndarray,
    walks: np.ndarray,
) -> Callable[[tuple[int, bool]], None]:
    """A function that draws the frame at index k of `lambdas`, forward in time or backward."""
    # powers of the density show its tails, and time runs evenly in lambda
    history.contourf(lambdas, x, density**0.6, levels=np.linspace(0, 1.25, 13), cmap="Blues")
    cursor = history.axvline(lambdas[0], color="#1d2129", linewidth=1)
    lines = {
        "ODE": LineCollection([], colors=_WALKERS[0], linewidths=1.1),
        "SDE": LineCollection([], colors=_WALKERS[1], linewidths=0.6, alpha=0.8),
    }
    for collection in lines.values():
        history.add_collection(collection)
    history.set(xlim=(lambdas[0], lambdas[-1]), ylim=(x[0], x[-1]), yticks=[])
    history.set_xlabel(r"data   $\leftarrow$   $\lambda = \log(\alpha/\sigma)$   $\rightarrow$   noise")
    history.grid(False)

    def show(frame: tuple[int, bool]) -> None:
        k, forward = frame
        now.clear()
        now.fill_betweenx(x, density[:, k], color=METHOD_COLOURS[0], alpha=0.35, linewidth=0)
        now.plot(density[:, k], x, color=METHOD_COLOURS[0], linewidth=1.4)
        now.plot(density[:, 0], x, color=DATA_COLOUR, linewidth=0.9, linestyle=":")
        now.set(xlim=(0, 1.05 * density.max()), ylim=(x[0], x[-1]), xticks=[], ylabel="x")
        now.set_title("melting" if forward else "freezing")
        cursor.set_xdata([lambdas[k], lambdas[k]])
        gone = slice(0, k + 1) if forward else slice(k, None)
        lines["ODE"].set_segments([np.stack([lambdas[gone], walk[gone]], 1) for walk in flow])
        lines["SDE"].set_segments(
            [] if forward else [np.stack([lambdas[gone], walk[gone]], 1) for walk in walks]
        )
        history.set_title("flow lines of the ODE" if forward else "ODE (orange) and SDE (red), backward")

    return show


def film_trajectories(
    file: str | os.PathLike[str], num_frames: int = 25, num_walkers: int = 30, seed: int = 5
) -> None:
    """Write a GIF of samples in two dimensions that run down the force field of the score, by ODE and by SDE.

    Both start from the same noise. Arrows: sigma times the score, the force in units of the noise; shade: the density.

    Args:
        file: to write.
        num_frames: evenly spread in lambda.
        num_walkers: samples of each kind.
        seed: of the start and of the noise.
    """
    path = CosineVP()
    data = islands(path)
    lambdas = torch.linspace(
        LAMBDA_ENDS[0], LAMBDA_ENDS[1], _SUBSTEPS * (num_frames - 1) + 1, dtype=torch.float64
    )
    times = path.t_of_lambda(lambdas)
    start = data.sample(num_walkers, float(times[0]), torch.Generator().manual_seed(seed))
    walks = {
        "ODE: a stream": _record(Heun(), data, times, start, seed),
        "SDE: Brownian motion": _record(Ancestral(), data, times, start, seed),
    }
    with matplotlib.rc_context({**FIGURE_STYLE, "axes.grid": False}):
        figure = Figure(figsize=(6.4, 3.5), layout="constrained")
        panels = figure.subplots(1, 2)
        show = _trajectory_frame(figure, panels, data, times, lambdas, walks)
        pictures = draw_frames(figure, show, range(0, len(times), _SUBSTEPS), dpi=75)
    write_gif(file, pictures, **_PACE)


def _trajectory_frame(
    figure: Figure,
    panels: Sequence[Axes],
    data: Mixture,
    times: Tensor,
    lambdas: Tensor,
    walks: dict[str, np.ndarray],
) -> Callable[[int], None]:
    """A function that draws the frame at index k of `times`."""
    fine, coarse = _mesh(64), _mesh(15)
    ticks = (fine[::64, 0].numpy(), fine[:64, 1].numpy())

    def show(k: int) -> None:
        t = times[k : k + 1]
        shade = data.log_prob(fine, t).exp().reshape(64, 64).T.numpy() ** 0.5
        force = (data.path.sigma(t) * data.score(coarse, t)).numpy()
        length = np.linalg.norm(force, axis=1, keepdims=True)
        force = force / np.maximum(length, 1e-9) * np.tanh(0.5 * length)  # so that strong forces still fit
        for axes, (name, walk), colour in zip(panels, walks.items(), _WALKERS, strict=True):
            axes.clear()
            axes.contourf(*ticks, shade, levels=np.linspace(0, 1.4, 10) * shade.max(), cmap="Blues")
            axes.quiver(*coarse.numpy().T, *force.T, color="#5b6472", scale=14, width=0.0042, alpha=0.75)
            trail = walk[max(0, k - _TRAIL) : k + 1].transpose(1, 0, 2)
            axes.add_collection(LineCollection(list(trail), colors=colour, linewidths=0.9, alpha=0.7))
            axes.plot(
                *walk[k].T, "o", color=colour, markersize=3.4, markeredgecolor="white", markeredgewidth=0.4
            )
            axes.set(xlim=(-2.9, 2.9), ylim=(-2.9, 2.9), xticks=[], yticks=[], title=name, aspect="equal")
        figure.suptitle(rf"$\lambda$ = {float(lambdas[k]):+.1f}", fontsize=9)

    return show


def _mesh(num: int) -> Tensor:
    """Points of a square mesh, (num^2, 2)."""
    ticks = torch.linspace(-2.9, 2.9, num, dtype=torch.float64)
    return torch.cartesian_prod(ticks, ticks)


def _record(solver: Solver, data: Mixture, times: Tensor, start: Tensor, seed: int) -> np.ndarray:
    """States at all `times`, (times, samples, d)."""
    states: list[Tensor] = []
    end = solver.sample(
        data.denoiser, data.path, times, start, space=OneStream(seed), callback=lambda s: states.append(s.x_t)
    )
    return torch.stack([*states, end]).numpy()
