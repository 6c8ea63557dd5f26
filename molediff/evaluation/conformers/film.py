"""Pictures of a molecule that freezes out of noise: the solver's state and the network's estimate, side by side."""

from __future__ import annotations

from pathlib import Path as FilePath

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from rdkit.Chem import Mol

from molediff.core.geometry.kabsch import kabsch
from molediff.core.paths import Path
from molediff.evaluation.conformers.drawing import ELEMENT_COLOURS, OTHER_COLOUR
from molediff.evaluation.report.gif import draw_frames, write_gif
from molediff.molecules.generation.result import GenerationResult
from molediff.sampling.trajectory import Trajectory

_HALF = np.array([4.6, 3.4])
"""Least half width and height of the window, in Angstrom: what most molecules of nine heavy atoms need."""
_MARGIN = 0.5
_ROWS = ("state $x_t$", r"estimate $\hat x_0(x_t)$")


def freezing_strip(result: GenerationResult, path: Path, conformer: int = 0, num_frames: int = 6) -> Figure:
    """A strip of frames from noise to molecule: the state above, what the network takes the molecule to be below.

    Args:
        result: of `ConformerGenerator.generate(..., trajectory=True)`.
        path: of the generator's model; it labels the frames with their noise level.
        conformer: number of the conformer.
        num_frames: frames, evenly spread over the steps.

    Raises:
        ValueError: the result has no trajectory or no such conformer.
    """
    mol, states, estimates, labels = _frames(result, path, conformer)
    half = _half_window(states, estimates)
    chosen = np.linspace(0, len(labels) - 1, min(num_frames, len(labels))).round().astype(int)
    figure = Figure(figsize=(1.75 * len(chosen), 2.9), layout="constrained")
    grid = figure.subplots(2, len(chosen), squeeze=False)
    for column, k in enumerate(chosen):
        grid[0, column].set_title(labels[k], fontsize=9)
        for row, coordinates in enumerate((states[k], estimates[k])):
            _draw(grid[row, column], mol, coordinates, half)
    for row, name in enumerate(_ROWS):
        grid[row, 0].text(
            -0.04, 0.5, name, rotation=90, va="center", ha="right", transform=grid[row, 0].transAxes
        )
    return figure


def write_freezing_animation(
    result: GenerationResult, path: Path, file: str | FilePath, conformer: int = 0, frames_per_second: int = 8
) -> None:
    """Write the whole trajectory as a GIF, state on the left, estimate on the right; the end is held for a second.

    Args and errors as for `freezing_strip`.
    """
    mol, states, estimates, labels = _frames(result, path, conformer)
    half = _half_window(states, estimates)
    figure = Figure(figsize=(5.0, 2.3), layout="constrained")
    axes = figure.subplots(1, 2)

    def show(k: int) -> None:
        for ax, name, coordinates in zip(axes, _ROWS, (states[k], estimates[k]), strict=True):
            ax.clear()
            _draw(ax, mol, coordinates, half)
            ax.set_title(name, fontsize=10)
        figure.suptitle(labels[k], fontsize=9)

    pictures = draw_frames(figure, show, range(len(labels)), dpi=90)
    write_gif(file, pictures, milliseconds=1000 // frames_per_second, hold=1000)


def _frames(
    result: GenerationResult, path: Path, conformer: int
) -> tuple[Mol, np.ndarray, np.ndarray, list[str]]:
    """The molecule, its states and estimates in the viewing frame (S, N, 2 or 3), and a label for each."""
    if result.trajectory is None or result.mol is None:
        raise ValueError("there is no trajectory to draw: generate with trajectory=True")
    if not 0 <= conformer < result.num_conformers:
        raise ValueError(f"there is no conformer {conformer}; the result has {result.num_conformers}")
    trajectory: Trajectory = result.trajectory
    end = result.ensemble.coordinates[conformer]
    states = np.concatenate([trajectory.x_t[:, conformer], end[None]])
    estimates = np.concatenate([trajectory.x_0_hat[:, conformer], end[None]])
    # One rotation for all frames: it turns the last state onto the conformer, and that broadside to the viewer.
    axes = np.linalg.svd(end - end.mean(axis=0), full_matrices=True)[2]
    axes[2] *= np.sign(np.linalg.det(axes))
    labels = [_label(path, t) for t in trajectory.times] + ["conformer"]
    rotation = _rotation_onto(estimates[-2], end)
    turn = axes @ rotation
    states[:-1], estimates[:-1] = states[:-1] @ turn.T, estimates[:-1] @ turn.T
    states[-1] = estimates[-1] = (end - end.mean(axis=0)) @ axes.T
    return result.mol, states, estimates, labels


def _rotation_onto(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Proper rotation that turns `x` onto `y`; both (N, 3)."""
    x_t, y_t = (torch.from_numpy(np.asarray(z, dtype=np.float64))[None] for z in (x, y))
    return np.asarray(kabsch(x_t, y_t - y_t.mean(1, keepdim=True))[0])


def _label(path: Path, t: float) -> str:
    """Noise level of time `t`: noise per signal."""
    noise = float(torch.exp(-path.lambda_(torch.tensor(t, dtype=torch.float64))))
    return rf"$\sigma/\alpha$ = {noise:.2g}" if noise < 100 else r"$\sigma/\alpha$ > 100"


def _half_window(*frames: np.ndarray) -> np.ndarray:
    """Half width and height, in Angstrom, of one window for all frames (S, N, 3), each with all its atoms."""
    reach = np.abs(np.concatenate([frame[..., :2] for frame in frames])).max(axis=(0, 1)) + _MARGIN
    return np.asarray(_HALF * max(1.0, float((reach / _HALF).max())))


def _draw(ax: Axes, mol: Mol, coordinates: np.ndarray, half: np.ndarray) -> None:
    """Balls and sticks seen along z, in a window of half width and height `half`, about the origin."""
    scale = float(_HALF[0] / half[0])
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    order = np.argsort(coordinates[:, 2])
    lines = [coordinates[[bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()], :2] for bond in mol.GetBonds()]
    ax.add_collection(LineCollection(lines, colors="#8b919c", linewidths=1.6 * scale, zorder=1))
    ax.scatter(
        coordinates[order, 0],
        coordinates[order, 1],
        s=[scale**2 * (38 if numbers[i] == 1 else 95) for i in order],
        c=[ELEMENT_COLOURS.get(numbers[i], OTHER_COLOUR) for i in order],
        edgecolors="#2b2f36",
        linewidths=0.6 * scale,
        zorder=2,
    )
    ax.set(xlim=(-half[0], half[0]), ylim=(-half[1], half[1]), aspect="equal")
    ax.axis("off")
