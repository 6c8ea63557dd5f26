"""Films of particles that freeze out of noise."""

from __future__ import annotations

import os

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from molediff.evaluation.report.gif import draw_frames, write_gif
from molediff.evaluation.report.style import METHOD_COLOURS
from molediff.sampling.trajectory import Trajectory

_COLOUR = np.array(to_rgb(METHOD_COLOURS[0]))
_TURN = 0.9  # radians that the view turns over the film


def write_cluster_film(
    trajectory: Trajectory,
    file: str | os.PathLike[str],
    sample: int = 0,
    diameter: float = 1.0,
    num_frames: int = 60,
    frames_per_second: int = 12,
) -> None:
    """Write a GIF of one sample: its state on the left, what the network takes it to be on the right; the end is held.

    Args:
        trajectory: of `ParticleGenerator.trajectory`.
        file: ends in .gif.
        sample: number of the sample.
        diameter: of the balls, in the unit of length.
        num_frames: evenly spread over the way that the particles go.
        frames_per_second: speed.

    Raises:
        ValueError: there is no such sample.
    """
    if not 0 <= sample < trajectory.x_t.shape[1]:
        raise ValueError(f"there is no sample {sample}; the trajectory has {trajectory.x_t.shape[1]}")
    ways = trajectory.x_t[:, sample], trajectory.x_0_hat[:, sample]
    reach = np.abs(trajectory.x_0_hat[-1, sample]).max() + 1.2 * diameter
    figure = Figure(figsize=(5.4, 2.9))
    panels = figure.subplots(1, 2)
    figure.subplots_adjust(0, 0, 1, 0.9, wspace=0)
    points = 72 * panels[0].get_window_extent().height / figure.dpi / (2 * reach)  # a unit of length

    def show(frame: int) -> None:
        angle = _TURN * frame / len(ways[0])
        for axes, way, name in zip(panels, ways, (r"state $x_t$", r"estimate $\hat x_0(x_t)$"), strict=True):
            axes.clear()
            _draw(axes, _turned(way[frame], angle), reach, diameter * points)
            axes.set_title(name, fontsize=10)

    pictures = draw_frames(figure, show, _evenly(ways, num_frames), dpi=80)
    write_gif(file, pictures, milliseconds=1000 // frames_per_second, hold=2000)


def _evenly(ways: tuple[np.ndarray, ...], num_frames: int) -> list[int]:
    """Numbers of frames between which the particles go equally far; at the ends of lambda they hardly move."""
    far = sum(np.linalg.norm(np.diff(way, axis=0), axis=(1, 2)) for way in ways)
    gone = np.concatenate([[0.0], np.cumsum(far)])
    frames = np.searchsorted(gone, np.linspace(0, gone[-1], num_frames))
    return np.unique(np.append(frames, len(gone) - 1)).tolist()


def _turned(x: np.ndarray, angle: float) -> np.ndarray:
    """Positions (N, d) seen from an angle about the vertical, (N, 3); those in a plane stay as they are."""
    if x.shape[1] == 2:
        return np.concatenate([x, np.zeros((len(x), 1))], axis=1)
    c, s = np.cos(angle), np.sin(angle)
    return x @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T


def _draw(axes: Axes, x: np.ndarray, reach: float, size: float) -> None:
    """Balls of `size` points, the far ones paler."""
    x = x[np.argsort(x[:, 2])]
    near = 1 / (1 + np.exp(-2 * x[:, 2] / reach))[:, None]
    axes.scatter(
        x[:, 0],
        x[:, 1],
        s=size**2,
        c=near * _COLOUR + (1 - near) * np.array([0.85, 0.89, 0.96]),
        edgecolors="#1d2b4f",
        linewidths=0.7,
    )
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.axis("off")
