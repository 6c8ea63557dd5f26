"""Bonds and angles moved to values of one's own, with the least change of everything else."""

from __future__ import annotations

import numpy as np

_STEPS = 6
# What a residual of one stands for: a bond, an angle (1.5 degrees), and how far an atom moves.
_BOND, _ANGLE, _ATOM = 0.01, np.radians(1.5), 0.3  # Angstrom, radians, Angstrom
_LEAST_SINE = 0.05  # of a straight angle, whose gradient is not defined


def moved_to(
    x: np.ndarray, bonds: np.ndarray, lengths: np.ndarray, angles: np.ndarray, degrees: np.ndarray
) -> np.ndarray:
    """Conformers whose bonds and angles come as near as can be to what is wanted, by Gauss-Newton steps.

    Args:
        x: coordinates in Angstrom, shape (n, N, 3).
        bonds: atoms (B, 2).
        lengths: wanted, in Angstrom, shape (n, B).
        angles: atoms (A, 3), the middle one second.
        degrees: wanted, shape (n, A).
    """
    moved = x.copy()
    size = x.shape[1] * 3
    for _ in range(_STEPS):
        rows, wanted = zip(_of_bonds(moved, bonds, lengths), _of_angles(moved, angles, degrees), strict=True)
        slope = np.concatenate(rows, axis=1).reshape(len(x), -1, size)
        rest = np.concatenate(wanted, axis=1)
        curvature = slope.transpose(0, 2, 1) @ slope + np.eye(size) / _ATOM**2
        downhill = (slope.transpose(0, 2, 1) @ rest[..., None])[..., 0]
        downhill += (x - moved).reshape(len(x), size) / _ATOM**2
        moved = moved + np.linalg.solve(curvature, downhill[..., None])[..., 0].reshape(x.shape)
    return moved


def _of_bonds(x: np.ndarray, atoms: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradients (n, B, N, 3) of the bonds, and what they lack (n, B), in units of `_BOND`."""
    apart = x[:, atoms[:, 0]] - x[:, atoms[:, 1]]
    length = np.linalg.norm(apart, axis=-1)
    along = apart / length[..., None] / _BOND
    rows, slope = np.arange(len(atoms)), np.zeros((len(x), len(atoms), *x.shape[1:]))
    slope[:, rows, atoms[:, 0]] += along
    slope[:, rows, atoms[:, 1]] -= along
    return slope, (wanted - length) / _BOND


def _of_angles(x: np.ndarray, atoms: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of the angles, in units of `_ANGLE`."""
    arms = [x[:, atoms[:, end]] - x[:, atoms[:, 1]] for end in (0, 2)]
    lengths = [np.linalg.norm(arm, axis=-1, keepdims=True) for arm in arms]
    p, q = (arm / length for arm, length in zip(arms, lengths, strict=True))
    cosine = np.clip((p * q).sum(-1, keepdims=True), -1, 1)
    sine = np.maximum(np.sqrt(1 - cosine**2), _LEAST_SINE)
    first, last = (cosine * p - q) / (lengths[0] * sine), (cosine * q - p) / (lengths[1] * sine)
    rows, slope = np.arange(len(atoms)), np.zeros((len(x), len(atoms), *x.shape[1:]))
    for end, gradient in ((0, first), (2, last), (1, -first - last)):
        slope[:, rows, atoms[:, end]] += gradient / _ANGLE
    return slope, (np.radians(wanted) - np.arccos(cosine[..., 0])) / _ANGLE
