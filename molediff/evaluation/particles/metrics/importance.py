"""Means over the Boltzmann density from samples of another, by weights p / q (importance sampling).

Log-weights are -u(x) - log q(x), without the constant log Z; a sample that failed, or whose energy is infinite, has
-inf. Nothing is clipped: a weight that dominates shows in `largest_weight_fraction` and in the error bars.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax


class Estimate(NamedTuple):
    """A figure with its standard error."""

    value: float
    standard_error: float


def log_weights(energy: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    """-u - log q, shape (n,); -inf where either is not finite."""
    weights = -np.asarray(energy, dtype=np.float64) - log_density
    return np.where(np.isfinite(weights), weights, -np.inf)


def effective_sample_fraction(log_weights: np.ndarray) -> float:
    """Effective sample size as a fraction of the samples, (sum w)^2 / (n sum w^2): 1 if all weights are equal.

    Args:
        log_weights: shape (n,), up to a constant.

    Source: Kish 1965; the ESS of Klein et al. 2023.
    """
    return float(np.exp(2 * logsumexp(log_weights) - logsumexp(2 * log_weights)) / len(log_weights))


def largest_weight_fraction(log_weights: np.ndarray) -> float:
    """Fraction of the total weight that the heaviest sample has: 1 / n at best."""
    return float(softmax(log_weights).max())


def reweighted_mean(values: np.ndarray, log_weights: np.ndarray) -> Estimate:
    """Mean of `values` (n,) over the density that the weights lead to, self-normalized.

    The standard error is that of a ratio of means (Owen 2013, section 9.2). Values of samples without weight do not
    count, even if infinite.
    """
    normalized = softmax(log_weights)
    values = np.where(normalized > 0, values, 0.0)
    mean = float(normalized @ values)
    return Estimate(mean, float(np.sqrt(normalized**2 @ (values - mean) ** 2)))


def log_normalizer(log_weights: np.ndarray) -> Estimate:
    """log Z = log of the mean weight, in nats, with the standard error of that mean to first order."""
    num = len(log_weights)
    normalized = softmax(log_weights)
    return Estimate(
        float(logsumexp(log_weights) - np.log(num)), float(np.sqrt(max(normalized @ normalized - 1 / num, 0)))
    )


def perturbation(change: np.ndarray, log_weights: np.ndarray) -> Estimate:
    """Free-energy difference in kT, -log <exp(-change)>, on going to the reduced energy u + change (Zwanzig 1954).

    Args:
        change: of the reduced energy, at the samples, shape (n,).
        log_weights: of the samples, shape (n,); zeros for samples of exp(-u) itself.
    """
    normalized = softmax(log_weights)
    change = np.where(normalized > 0, change, 0.0)
    least = change.min()
    factor = reweighted_mean(np.exp(least - change), log_weights)
    return Estimate(float(least - np.log(factor.value)), factor.standard_error / factor.value)


def basin_difference(inside: np.ndarray, log_weights: np.ndarray) -> Estimate:
    """Free energy of one basin over that of the rest, in kT: -log(P / (1 - P)).

    Args:
        inside: which samples are in the basin, booleans (n,).
        log_weights: of the samples, shape (n,); zeros for samples of the density itself.

    Returns:
        The difference; NaN where all samples that have a weight are on one side. The standard error is that of the
        ratio of the two sides' weights, by the effective sample size of each.
    """
    sides = [log_weights[inside], log_weights[~inside]]
    if not all(np.isfinite(side).any() for side in sides):
        return Estimate(float("nan"), float("nan"))
    # In logarithms: fractions would round to 0 or 1 where one side's weights are far below the other's.
    within, without = (float(logsumexp(side)) for side in sides)
    variance = sum(1 / (len(side) * effective_sample_fraction(side)) for side in sides)
    return Estimate(without - within, float(np.sqrt(variance)))


def __getattr__(name: str) -> Any:
    """The former names, for one release."""
    former = {"effective_share": effective_sample_fraction, "largest_share": largest_weight_fraction}
    if name not in former:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    warnings.warn(f"{name} is now {former[name].__name__}", DeprecationWarning, stacklevel=2)
    return former[name]
