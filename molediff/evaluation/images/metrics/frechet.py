"""Frechet distance: how far apart two sets of features lie, both taken as normal."""

from __future__ import annotations

import numpy as np


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), zero for equal sets.

    Sets of few samples are apart by luck, so that only distances of equally large sets compare.

    Args:
        a: features, shape (n, d).
        b: features, shape (m, d).

    Source: Heusel et al. 2017, eq. 6, with m and C the mean and covariance of each set; the square of the
    Wasserstein-2 distance of the two normals.

    Raises:
        ValueError: a set has fewer than two samples, or the features differ in number.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            f"Two sets (n, d) and (m, d) of at least two samples are needed; got {a.shape}, {b.shape}."
        )
    (mean_a, cov_a), (mean_b, cov_b) = (
        (x.mean(0), np.cov(x, rowvar=False).reshape(2 * (x.shape[1],)))
        for x in (a.astype(np.float64), b.astype(np.float64))
    )
    root_a = _root(cov_a)
    # (C_a C_b)^(1/2) has the eigenvalues of the symmetric (C_a^(1/2) C_b C_a^(1/2))^(1/2).
    overlap = np.sqrt(np.clip(np.linalg.eigvalsh(root_a @ cov_b @ root_a), 0, None)).sum()
    distance = ((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap
    return max(float(distance), 0.0)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Square root of a symmetric matrix with no negative eigenvalue but by rounding."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T)
