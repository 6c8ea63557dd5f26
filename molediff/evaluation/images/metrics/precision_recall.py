"""Precision and recall of samples: fidelity and diversity apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist


class PrecisionRecall(NamedTuple):
    """Shares between 0 and 1."""

    precision: float
    """Of the samples, those that lie where real data are: fidelity."""

    recall: float
    """Of the real data, those that lie where samples are: diversity."""


def precision_recall(real: np.ndarray, samples: np.ndarray, num_neighbours: int = 3) -> PrecisionRecall:
    """Whether each point lies in the union of balls about the other set's points.

    A ball's radius is the distance of its centre to its `num_neighbours`-th nearest neighbour in its own set. Sets of
    equal size compare; even two halves of the real data do not reach 1.

    Args:
        real: features of real data, shape (n, d).
        samples: features of samples, shape (m, d).
        num_neighbours: 3 in the paper.

    Source: Kynkaanniemi et al. 2019, eq. 1 and 2.

    Raises:
        ValueError: a set has no more points than `num_neighbours`.
    """
    if min(len(real), len(samples)) <= num_neighbours:
        raise ValueError(
            f"Each set needs more than num_neighbours={num_neighbours} points; got {len(real)} and {len(samples)}."
        )
    between = cdist(samples, real)
    return PrecisionRecall(
        precision=float((between <= _radii(real, num_neighbours)).any(1).mean()),
        recall=float((_radii(samples, num_neighbours) >= between.T).any(1).mean()),
    )


def _radii(points: np.ndarray, num_neighbours: int) -> np.ndarray:
    """Distance of each point to its `num_neighbours`-th nearest neighbour; the point itself is the nearest of all."""
    return np.asarray(np.partition(cdist(points, points), num_neighbours, axis=1)[:, num_neighbours])
