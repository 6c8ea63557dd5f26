"""Has a Monte Carlo run mixed? What a statistician looks at, on traces (num_chains, num_records) of an observable."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

# Vehtari et al. 2021, section 4: chains whose R-hat is above it should not be used.
MAX_R_HAT = 1.01


class NotMixedError(ValueError):
    """Chains that should have one law have not: their samples do not represent the density."""


def check_mixed(traces: Mapping[str, np.ndarray], threshold: float = MAX_R_HAT) -> dict[str, float]:
    """Split R-hat of every trace (num_chains, num_records), by name.

    Raises:
        NotMixedError: one of them is above the threshold, or is not a number, with what to do.
    """
    found = {name: split_r_hat(trace) for name, trace in traces.items()}
    worst = max(found, key=lambda name: np.nan_to_num(found[name], nan=np.inf))
    if not found[worst] <= threshold:
        raise NotMixedError(
            f"The Monte Carlo run has not mixed: R-hat of the {worst.replace('_', ' ')} is {found[worst]:.3f}, above "
            f"{threshold}. Run longer (more draws, more moves between them, a longer burn-in) or add higher "
            "temperatures; these samples are not used."
        )
    return found


def split_r_hat(trace: np.ndarray) -> float:
    """Rank-normalized split R-hat: the larger of that of the values and that of their distances from the median.

    Every chain is cut in two; 1 if all halves have the same law, larger if they have not yet met.

    Args:
        trace: (num_chains, num_records), at least 4 records.

    Source: Vehtari et al. 2021, section 4 and eq. 14 (bulk and folded); Gelman et al. 2013, section 11.4.
    """
    halves = _split(trace)
    return max(_r_hat(_rank_normalized(halves)), _r_hat(_rank_normalized(np.abs(halves - np.median(halves)))))


def autocorrelation_time(trace: np.ndarray) -> float:
    """Integrated autocorrelation time 1 + 2 sum of rho_k, in records; 1 for independent ones.

    The sum is Geyer's (1992) initial positive sequence: it ends before the first pair of neighbouring lags whose sum
    is not positive. Chains that anticorrelate count as independent.

    Args:
        trace: (num_chains, num_records).
    """
    correlation = autocorrelation(trace)
    pairs = correlation[: len(correlation) // 2 * 2].reshape(-1, 2).sum(1)
    negative = np.flatnonzero(pairs <= 0)
    last = negative[0] if len(negative) else len(pairs)
    return float(max(2 * pairs[:last].sum() - 1, 1.0))


def autocorrelation(trace: np.ndarray) -> np.ndarray:
    """Autocorrelation (num_records,), with the chains' spread about their common mean (Vehtari et al. 2021, eq. 10)."""
    num_records = trace.shape[1]
    centred = trace - trace.mean(1, keepdims=True)
    size = 2 ** int(np.ceil(np.log2(2 * num_records)))
    spectrum = np.fft.rfft(centred, size, axis=1)
    covariance = np.fft.irfft(spectrum * spectrum.conj(), size, axis=1)[:, :num_records].mean(0) / num_records
    within = covariance[0] * num_records / (num_records - 1)
    between = trace.mean(1).var(ddof=1) if len(trace) > 1 else 0.0
    total = covariance[0] + between
    return np.concatenate([[1.0], 1 - (within - covariance[1:]) / total])


def effective_sample_size(trace: np.ndarray) -> float:
    """Number of independent draws that would give the mean of the trace as precisely (Vehtari et al. 2021, eq. 11)."""
    return trace.size / autocorrelation_time(trace)


def standard_error(values: np.ndarray) -> float:
    """Standard error of the mean of `values` (num_chains, ...) from the spread of the independent chains' means."""
    means = values.reshape(len(values), -1).mean(1)
    return float(means.std(ddof=1) / np.sqrt(len(means)))


def _split(trace: np.ndarray) -> np.ndarray:
    half = trace.shape[1] // 2
    return np.concatenate([trace[:, :half], trace[:, -half:]])


def _rank_normalized(values: np.ndarray) -> np.ndarray:
    return ndtri((rankdata(values).reshape(values.shape) - 0.375) / (values.size + 0.25))


def _r_hat(chains: np.ndarray) -> float:
    num_records = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean()
    between = chains.mean(1).var(ddof=1)
    return float(np.sqrt((num_records - 1) / num_records + between / within)) if within > 0 else np.nan
