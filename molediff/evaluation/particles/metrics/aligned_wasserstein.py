"""Wasserstein-2 distance between sets of configurations of identical particles, each pair aligned first."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

_ROUNDS = 3  # of rotation and relabelling; more change the distance of hardly any pair


def aligned_wasserstein2(x: np.ndarray, y: np.ndarray) -> float:
    """Square root of the least mean squared distance over pairings of `x` and `y`, in the unit of the positions.

    The distance of two configurations is the Frobenius norm of their difference at the best relabelling and the best
    rotation or reflection. Both are found in turn (Besl and McKay 1992) from the relabelling that fits each particle's
    distances to the others, so that the distance of a pair is at most a little too large. It grows with smaller sets:
    compare it with that of two independent reference sets of the same sizes, its floor. Needs POT.

    Args:
        x: configurations, shape (n, N, d).
        y: configurations, shape (m, N, d).
    """
    import ot

    x, y = (z - z.mean(1, keepdims=True) for z in (x, y))
    cost = np.stack([_squared_distances(one, y) for one in x])
    return float(np.sqrt(ot.emd2([], [], cost)))


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared aligned distances (m,) of `x` (N, d) to each of `y` (m, N, d)."""
    cost = ((_profiles(x[None])[:, :, None] - _profiles(y)[:, None]) ** 2).sum(-1)
    best = np.full(len(y), np.inf)
    for _ in range(_ROUNDS):
        order = np.stack([linear_sum_assignment(one)[1] for one in cost])
        relabelled = np.take_along_axis(y, order[..., None], 1)
        # orthogonal Procrustes: the best rotation or reflection has the singular vectors of y^T x
        u, values, vh = np.linalg.svd(relabelled.mT @ x)
        squared = (x**2).sum() + (y**2).sum((1, 2)) - 2 * values.sum(1)
        best = np.minimum(best, squared)
        cost = -np.einsum("id,mjd->mij", x, y @ (u @ vh))  # squares do not depend on the labels
    return np.maximum(best, 0)


def _profiles(x: np.ndarray) -> np.ndarray:
    """Sorted distances of each particle to the others, (n, N, N)."""
    return np.sort(np.linalg.norm(x[:, :, None] - x[:, None], axis=-1), axis=-1)
