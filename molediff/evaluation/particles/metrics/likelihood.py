"""Negative log-likelihood of held-out configurations, with the error bar that knowing the energy allows."""

from __future__ import annotations

import numpy as np

from molediff.evaluation.particles.metrics.importance import Estimate


def negative_log_likelihood(log_density: np.ndarray) -> Estimate:
    """Mean of -log q over held-out configurations, (n,), in nats, with its standard error."""
    return Estimate(float(-log_density.mean()), float(log_density.std(ddof=1) / np.sqrt(len(log_density))))


def controlled_negative_log_likelihood(
    log_density: np.ndarray, energy: np.ndarray, mean_energy: Estimate
) -> Estimate:
    """The same mean with the energy as a control variate: <u> + mean of (-log q - u).

    -log q follows u up to log Z where the model is right, so that their difference varies less, the less is wrong, and
    <u> is known from many more configurations.

    Args:
        log_density: of held-out configurations, in nats, shape (n,).
        energy: their reduced energies, shape (n,).
        mean_energy: mean reduced energy of the system.
    """
    rest = -log_density - energy
    error = np.hypot(rest.std(ddof=1) / np.sqrt(len(rest)), mean_energy.standard_error)
    return Estimate(float(mean_energy.value + rest.mean()), float(error))


def divergence(log_density: np.ndarray, energy: np.ndarray, log_normalizer: Estimate) -> Estimate:
    """Kullback-Leibler divergence KL(p || q) from the system to the model, in nats: how far the NLL is above its floor.

    Args:
        log_density: of held-out configurations, in nats, shape (n,).
        energy: their reduced energies, shape (n,).
        log_normalizer: log Z of the system.
    """
    gap = -log_density - energy
    error = np.hypot(gap.std(ddof=1) / np.sqrt(len(gap)), log_normalizer.standard_error)
    return Estimate(float(gap.mean() - log_normalizer.value), float(error))
