r"""log Z of a system by a bridge of levels from a Gaussian, whose log Z is known, and so the entropy of its density.

Level k has the reduced energy u_k = s_k u + (1 - s_k) |x|^2 / (2 s^2). Replica exchange mixes over all levels; the
difference of log Z between neighbours is Bennett's acceptance ratio, which has the smallest variance of all estimators
from the energies of both levels' samples (Bennett 1976; Shirts et al. 2003). Constants are those of the (N - 1) d
dimensional space of zero centre of mass with its own Lebesgue measure, as in `core.noise.ZeroCentreOfMass.log_prob`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from molediff.particles.ladder import Ladder
from molediff.particles.monte_carlo import Run


class Estimate(NamedTuple):
    """A value and its standard error."""

    value: float
    standard_error: float


def log_normalizer(run: Run, ladder: Ladder, degrees_of_freedom: int) -> Estimate:
    """log Z, Z = integral of exp(-u), from a run over a ladder that ends in the Gaussian.

    The standard error is the jackknife's over groups of chains, which are independent.

    Args:
        run: of `ladder`; its energies and squared norms are used.
        ladder: `Ladder.bridge(...)`.
        degrees_of_freedom: (N - 1) d.

    Raises:
        ValueError: the ladder does not end in the Gaussian, or there are fewer than two chains.
    """
    if (ladder.system[-1], ladder.reference[-1]) != (0.0, 1.0):
        raise ValueError("log Z needs a ladder that ends in the Gaussian: use Ladder.bridge(...).")
    num_chains = run.energy.shape[1]
    if num_chains < 2:
        raise ValueError("An error bar of log Z needs at least two independent chains; got one.")
    groups = np.arange(num_chains) % min(20, num_chains)
    start = 0.5 * degrees_of_freedom * math.log(2 * math.pi * ladder.std**2)
    value = start + _log_ratio(run, ladder, np.ones(num_chains, dtype=bool))
    left_out = np.array([start + _log_ratio(run, ladder, groups != group) for group in np.unique(groups)])
    num = len(left_out)
    return Estimate(value, float(np.sqrt((num - 1) / num * ((left_out - left_out.mean()) ** 2).sum())))


def _log_ratio(run: Run, ladder: Ladder, chains: np.ndarray) -> float:
    """log Z_0 - log Z_last, the sum over neighbours, from these chains."""
    total = 0.0
    for k in range(len(ladder) - 1):
        a = ladder.system[k] - ladder.system[k + 1]
        b = (ladder.reference[k] - ladder.reference[k + 1]) / (2 * ladder.std**2)
        # u_k - u_(k+1) on the samples of either level.
        own = a * run.energy[k, chains] + b * run.squared[k, chains]
        other = a * run.energy[k + 1, chains] + b * run.squared[k + 1, chains]
        total += bennett(own.ravel(), other.ravel())
    return total


def bennett(own: np.ndarray, other: np.ndarray) -> float:
    """log Z_0 - log Z_1 by Bennett's acceptance ratio.

    Args:
        own: u_0 - u_1 on samples of exp(-u_0), (n,).
        other: u_0 - u_1 on as many samples of exp(-u_1), (n,); +inf where u_0 is.
    """

    def excess(log_ratio: float) -> float:
        return float(expit(own + log_ratio).mean() - expit(-other - log_ratio).mean())

    finite = np.concatenate([own, other[np.isfinite(other)]])
    return float(brentq(excess, -finite.max() - 50, -finite.min() + 50, xtol=1e-10))
