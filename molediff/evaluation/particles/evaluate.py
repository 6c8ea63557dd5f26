"""Hold a model of particles against the physics: likelihood, weights, energies, distances, free energies, forces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from molediff.evaluation.particles.draws import Draws
from molediff.evaluation.particles.metrics.aligned_wasserstein import aligned_wasserstein2
from molediff.evaluation.particles.metrics.histogram_distance import total_variation, wasserstein1
from molediff.evaluation.particles.metrics.importance import (
    Estimate,
    basin_difference,
    effective_sample_fraction,
    largest_weight_fraction,
    log_normalizer,
    log_weights,
    perturbation,
    reweighted_mean,
)
from molediff.evaluation.particles.metrics.likelihood import (
    controlled_negative_log_likelihood,
    divergence,
    negative_log_likelihood,
)
from molediff.evaluation.particles.metrics.score_against_force import ScoreForce, score_against_force
from molediff.particles.datasets import ParticleSamples
from molediff.particles.energies import Energy
from molediff.particles.generator import ParticleGenerator


@dataclass(frozen=True)
class ParticleSettings:
    """How the samples are measured.

    Attributes:
        num_aligned: configurations of each set whose aligned Wasserstein-2 distance is taken.
        num_forces: test configurations of each seed at which score and force are compared.
        lambdas: noise levels of that comparison.
        temperature: kT of the free-energy difference by perturbation; the model was trained at 1.
        contact: distance below which two particles are in contact.
        num_contacts: from so many on a configuration is compact, for the free energy between the two basins.
    """

    num_aligned: int
    num_forces: int
    lambdas: tuple[float, ...]
    temperature: float
    contact: float
    num_contacts: int


@dataclass(frozen=True)
class Weighted:
    """Configurations with log-weights, and what is read off them.

    Attributes:
        energy: reduced energies, (n,).
        contacts: number of pairs in contact, (n,).
        distances: between all pairs, (n, N (N - 1) / 2).
        log_weights: (n,); zeros for Monte Carlo samples.
    """

    energy: np.ndarray
    contacts: np.ndarray
    distances: np.ndarray
    log_weights: np.ndarray

    @classmethod
    def of(
        cls, x: np.ndarray, energy: Energy, contact: float, log_density: np.ndarray | None = None
    ) -> Weighted:
        """From configurations `x` (n, N, d) and the log-densities that they were drawn with; None: from `energy`."""
        x = x.astype(np.float64)
        first, second = np.triu_indices(x.shape[1], 1)
        distances = np.linalg.norm(x[:, first] - x[:, second], axis=2)
        energies = energy.energy(x)
        weights = np.zeros(len(x)) if log_density is None else log_weights(energies, log_density)
        return cls(energies, (distances < contact).sum(1), distances, weights)


@dataclass(frozen=True)
class ParticleEvaluation:
    """Everything measured.

    Attributes:
        figures: by name, mean and standard error over the seeds.
        floors: the same distances between two independent sets of Monte Carlo samples, as large as those of a seed.
        truths: by name, what Monte Carlo has for a figure.
        each_seed: the figures of every seed.
        forces: for each seed the comparison of score and force over the noise level.
        model, data: all samples of the model with their weights, and the test samples, for the plots.
        protocol: how it was measured.
    """

    figures: dict[str, Estimate]
    floors: dict[str, Estimate]
    truths: dict[str, Estimate]
    each_seed: dict[int, dict[str, float]]
    forces: dict[int, list[ScoreForce]]
    model: Weighted
    data: Weighted
    protocol: dict[str, Any] = field(default_factory=dict)


def evaluate_particles(
    generator: ParticleGenerator,
    samples: ParticleSamples,
    draws: Draws,
    settings: ParticleSettings,
    protocol: dict[str, Any] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> ParticleEvaluation:
    """Measure what was drawn.

    Args:
        generator: the model, for its scores, and the system.
        samples: Monte Carlo samples of the system.
        draws: samples of the model and densities of the first test samples.
        settings: see there.
        protocol: how it was measured, for the record.
        report: called with a line at every step.
    """
    energy, contact = generator.energy, settings.contact
    data = Weighted.of(samples.test, energy, contact)
    mean_energy = _stated(samples.facts["sets"]["train"]["mean_energy"])
    log_z = _stated(samples.facts["log_normalizer"])
    subsets = np.array_split(np.arange(len(draws.held_out)), len(draws.samples))
    each, forces, floors = {}, {}, {}
    for number, (seed, (x, log_density)) in enumerate(draws.samples.items()):
        drawn, rows = Weighted.of(x, energy, contact, log_density), subsets[number]
        found = _likelihoods(draws.held_out[rows], data.energy[rows], mean_energy)
        found |= _weights(drawn, settings) | _distances(drawn, data, True)
        found["above_the_data"] = float((~(drawn.energy <= data.energy.max())).mean())
        found["aligned_w2"] = _aligned(x, samples.test, settings.num_aligned, number)
        each[seed] = found
        effective = 100 * found["effective_sample_fraction"]
        report(f"seed {seed}: effective sample fraction {effective:.1f} %, NLL {found['nll']:.3f}")
        rest = _rows(samples.reference, len(x), number)
        floors[seed] = _distances(Weighted.of(rest, energy, contact), data, False)
        floors[seed]["aligned_w2"] = _aligned(rest, samples.test, settings.num_aligned, number)
        places = _rows(samples.reference, settings.num_forces, number)
        forces[seed] = score_against_force(generator, places, settings.lambdas, seed)
    xs, densities = (np.concatenate(parts) for parts in zip(*draws.samples.values(), strict=True))
    figures = _over_seeds(each) | _errors_of_the_quadrature(draws, energy)
    every = Weighted.of(xs, energy, contact, densities)
    figures["log_normalizer_all"] = log_normalizer(every.log_weights)
    held_out_energy = data.energy[: len(draws.held_out)]
    figures["nll_plain"] = negative_log_likelihood(draws.held_out)
    figures["nll"] = controlled_negative_log_likelihood(draws.held_out, held_out_energy, mean_energy)
    figures["divergence"] = divergence(draws.held_out, held_out_energy, log_z)
    truths = {
        "mean_energy": mean_energy,
        "log_normalizer": log_z,
        "nll": _stated(samples.facts["negative_log_likelihood_floor"]),
        "perturbation": _perturbed(data, settings.temperature),
        "basin": basin_difference(data.contacts >= settings.num_contacts, data.log_weights),
    }
    return ParticleEvaluation(figures, _over_seeds(floors), truths, each, forces, every, data, protocol or {})


def _stated(fact: dict[str, float]) -> Estimate:
    return Estimate(fact["value"], fact["standard_error"])


def _likelihoods(log_density: np.ndarray, energy: np.ndarray, mean_energy: Estimate) -> dict[str, float]:
    controlled = controlled_negative_log_likelihood(log_density, energy, mean_energy)
    return {"nll": controlled.value, "nll_plain": negative_log_likelihood(log_density).value}


def _weights(drawn: Weighted, settings: ParticleSettings) -> dict[str, float]:
    """Figures from the weights of one seed's samples; those named `raw_` do without them."""
    weights, finite = drawn.log_weights, np.isfinite(drawn.log_weights)
    unweighted = Weighted(drawn.energy, drawn.contacts, drawn.distances, np.where(finite, 0.0, -np.inf))
    inside = drawn.contacts >= settings.num_contacts
    return {
        "effective_sample_fraction": effective_sample_fraction(weights),
        "largest_weight_fraction": largest_weight_fraction(weights),
        "without_weight": float((~finite).mean()),
        "log_normalizer": log_normalizer(weights).value,
        "mean_energy": reweighted_mean(drawn.energy, weights).value,
        "raw_mean_energy": reweighted_mean(drawn.energy, unweighted.log_weights).value,
        "perturbation": _perturbed(drawn, settings.temperature).value,
        "raw_perturbation": _perturbed(unweighted, settings.temperature).value,
        "basin": basin_difference(inside, weights).value,
        "raw_basin": basin_difference(inside, unweighted.log_weights).value,
    }


def _perturbed(samples: Weighted, temperature: float) -> Estimate:
    return perturbation(samples.energy * (1 / temperature - 1), samples.log_weights)


def _distances(drawn: Weighted, data: Weighted, weighted: bool) -> dict[str, float]:
    """How far energies and interatomic distances are from those of the data, with equal and with their own weights."""
    pairs = drawn.distances.shape[1]
    relative = np.exp(drawn.log_weights - drawn.log_weights.max())
    found: dict[str, float] = {}
    for prefix, weights in (("raw_", None), ("", relative)) if weighted else (("raw_", None),):
        spread = None if weights is None else weights.repeat(pairs)
        found |= {
            f"{prefix}energy_w1": wasserstein1(drawn.energy, data.energy, weights),
            f"{prefix}energy_tv": total_variation(drawn.energy, data.energy, weights),
            f"{prefix}distance_w1": wasserstein1(drawn.distances.ravel(), data.distances.ravel(), spread),
            f"{prefix}distance_tv": total_variation(drawn.distances.ravel(), data.distances.ravel(), spread),
        }
    return found


def _aligned(x: np.ndarray, test: np.ndarray, num: int, part: int) -> float:
    kept = x[np.isfinite(x).all((1, 2))][:num]
    return aligned_wasserstein2(kept.astype(np.float64), _rows(test, num, part).astype(np.float64))


def _rows(x: np.ndarray, num: int, part: int) -> np.ndarray:
    """`num` rows for the set of number `part`, disjoint while there are enough."""
    return np.take(x, range(part * num, (part + 1) * num), axis=0, mode="wrap")


def _errors_of_the_quadrature(draws: Draws, energy: Energy) -> dict[str, Estimate]:
    """What doubling nodes and steps changes: root mean square of the log-weights, and the mean of the NLL."""
    x, log_density = next(iter(draws.samples.values()))
    refined_x, refined_density = draws.refined_samples
    num = len(refined_x)
    change = log_weights(energy.energy(x[:num]), log_density[:num]) - log_weights(
        energy.energy(refined_x), refined_density
    )
    change = change[np.isfinite(change)]
    of_nll = draws.refined_held_out - draws.held_out[: len(draws.refined_held_out)]
    rms = float(np.sqrt((change**2).mean()))
    return {
        "quadrature_error_log_weight": Estimate(rms, rms / np.sqrt(2 * len(change))),
        "quadrature_error_nll": Estimate(float(of_nll.mean()), float(of_nll.std() / np.sqrt(len(of_nll)))),
    }


def _over_seeds(each: dict[int, dict[str, float]]) -> dict[str, Estimate]:
    """Mean over the seeds and its standard error; NaN for one seed."""
    rows: Sequence[dict[str, float]] = list(each.values())
    error = np.sqrt(len(rows)) if len(rows) > 1 else np.nan
    return {
        name: Estimate(
            float(np.mean([row[name] for row in rows])),
            float(np.std([row[name] for row in rows], ddof=min(1, len(rows) - 1)) / error),
        )
        for name in rows[0]
    }
