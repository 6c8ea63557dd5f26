"""Distributions of bond lengths, angles and ring shapes over many molecules, and how far apart two of them are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

MIN_VALUES = 200
"""Reference values of a kind that are needed before its 0.1 and 99.9 % quantiles mean something."""


@dataclass(frozen=True)
class Pool:
    """Values of one kind (say, all C-O bonds) from many molecules."""

    values: np.ndarray
    """Shape (num_values,), in Angstrom or degrees."""

    weights: np.ndarray
    """Shape (num_values,): one over the number of conformers of the value's molecule, so that molecules count alike."""


def pool(molecules: Iterable[Mapping[str, np.ndarray]]) -> dict[str, Pool]:
    """Collect the values of each kind over molecules.

    Args:
        molecules: for each molecule the values by kind, arrays (num_conformers, number of that kind), as
            `bond_lengths` gives them; empty arrays are skipped.
    """
    values: dict[str, list[np.ndarray]] = {}
    weights: dict[str, list[np.ndarray]] = {}
    for molecule in molecules:
        for kind, array in molecule.items():
            if array.size:
                values.setdefault(kind, []).append(array.ravel())
                weights.setdefault(kind, []).append(np.full(array.size, 1.0 / array.shape[0]))
    return {
        kind: Pool(np.concatenate(values[kind]), np.concatenate(weights[kind])) for kind in sorted(values)
    }


def distribution_distance(samples: Mapping[str, Pool], reference: Mapping[str, Pool]) -> float:
    """Wasserstein-1 distance per kind, averaged over kinds by their frequency in the reference.

    In the unit of the values: 0.01 Angstrom means that bonds must be moved by 0.01 Angstrom on average to turn the one
    distribution into the other. Compare the same molecules on both sides. NaN without a common kind.
    """
    from scipy.stats import wasserstein_distance  # a second of start-up that other metrics do not need

    kinds = sorted(samples.keys() & reference.keys())
    if not kinds:
        return float("nan")
    distances = [
        wasserstein_distance(
            samples[kind].values, reference[kind].values, samples[kind].weights, reference[kind].weights
        )
        for kind in kinds
    ]
    return float(np.average(distances, weights=[reference[kind].weights.sum() for kind in kinds]))


def fraction_outside(
    samples: Mapping[str, Pool],
    reference: Mapping[str, Pool],
    low: float = 0.001,
    high: float = 0.999,
    min_values: int = MIN_VALUES,
) -> float:
    """Fraction of values outside the reference's range from quantile `low` to quantile `high` of their kind.

    Fresh reference values have 0.2 % outside by construction. Kinds with fewer than `min_values` reference values are
    left out; NaN if none is left.
    """
    outside = total = 0.0
    for kind, sample in samples.items():
        if kind not in reference or reference[kind].values.size < min_values:
            continue
        lower, upper = np.quantile(reference[kind].values, (low, high))
        outside += sample.weights[(sample.values < lower) | (sample.values > upper)].sum()
        total += sample.weights.sum()
    return float(outside / total) if total else float("nan")
