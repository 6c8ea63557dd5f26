"""How far apart two distributions of one number are, one of them weighted: energies, or distances between particles."""

from __future__ import annotations

import numpy as np
from scipy.stats import wasserstein_distance


def wasserstein1(samples: np.ndarray, reference: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Wasserstein-1 distance, in the unit of the values: how far values must be moved on average.

    Args:
        samples: shape (n,); values that are not finite are left out.
        reference: shape (m,).
        weights: of the samples, at least 0, shape (n,); None: equal.
    """
    finite = np.isfinite(samples)
    kept = None if weights is None else weights[finite]
    return float(wasserstein_distance(samples[finite], reference, kept))


def total_variation(
    samples: np.ndarray, reference: np.ndarray, weights: np.ndarray | None = None, num_bins: int = 50
) -> float:
    """Half the sum of |difference| of two histograms: 0 for equal ones, 1 if they share no bin.

    The bins have equal shares of the reference; what lies outside its range, even at infinity, counts to the last ones.

    Args:
        samples: shape (n,).
        reference: shape (m,).
        weights: of the samples, at least 0, shape (n,); None: equal.
        num_bins: number of bins.
    """
    inner = np.quantile(reference, np.linspace(0, 1, num_bins + 1)[1:-1])
    weights = np.ones(len(samples)) if weights is None else weights
    found = np.bincount(np.searchsorted(inner, samples), weights / weights.sum(), minlength=num_bins)
    expected = np.bincount(np.searchsorted(inner, reference), minlength=num_bins) / len(reference)
    return float(0.5 * np.abs(found - expected).sum())
