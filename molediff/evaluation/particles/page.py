"""The report on particles as one HTML page, and its figures as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from molediff.evaluation.particles.evaluate import ParticleEvaluation
from molediff.evaluation.particles.metrics.importance import Estimate
from molediff.evaluation.report.files import finite_or_none
from molediff.evaluation.report.html import document, section, table

PUBLISHED: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "dw4": (("equivariant OT flow matching (Klein et al. 2023)", "7.21", "92.4"),),
    "lj13": (
        ("OT flow matching (Klein et al. 2023)", "16.99", "54.4"),
        ("equivariant OT flow matching (Klein et al. 2023)", "17.01", "58.0"),
        ("iDEM (Akhound-Sadegh et al. 2024)", "17.68", ""),
    ),
}
"""Name, NLL and effective sample fraction in %. Klein's NLLs are printed without (N - 1) d / 2 log(2 pi), which is
added here."""

_CONVENTION = (
    "NLL: mean of -log q over held-out Monte Carlo samples, in nats, normalized over the (N - 1) d dimensions of zero "
    "centre of mass; the published ones, printed without (N - 1) d / 2 log(2 pi), have it added. Effective sample "
    "fraction: Kish's, of unclipped weights p / q of samples of the model. The published models learn from samples "
    "alone; ours learns from the same kind of samples and from the forces of the potential at them."
)

_FORMER_KEYS = {
    "effective_share": "effective_sample_fraction",
    "largest_share": "largest_weight_fraction",
    "rule_error_log_weight": "quadrature_error_log_weight",
    "rule_error_nll": "quadrature_error_nll",
}

_MEANS = {
    "mean energy": ("raw_mean_energy", "mean_energy", "mean_energy"),
    "log Z": (None, "log_normalizer", "log_normalizer"),
    "free energy to the other temperature / kT": ("raw_perturbation", "perturbation", "perturbation"),
    "free energy, compact less stretched / kT": ("raw_basin", "basin", "basin"),
}

_DISTANCES = {
    "energies, Wasserstein-1 / kT": "energy_w1",
    "energies, total variation": "energy_tv",
    "interatomic distances, Wasserstein-1": "distance_w1",
    "interatomic distances, total variation": "distance_tv",
    "configurations, aligned Wasserstein-2": "aligned_w2",
}


def particle_metrics(evaluation: ParticleEvaluation) -> dict[str, Any]:
    """Everything measured as plain numbers; None where there is no figure. Fractions are between 0 and 1."""
    found: dict[str, Any] = finite_or_none(
        {
            "protocol": evaluation.protocol,
            "figures": _with_former_keys(
                {name: found._asdict() for name, found in evaluation.figures.items()}
            ),
            "monte_carlo": {name: found._asdict() for name, found in evaluation.truths.items()},
            "floors": {name: found._asdict() for name, found in evaluation.floors.items()},
            "seeds": {str(seed): _with_former_keys(found) for seed, found in evaluation.each_seed.items()},
            "score_against_force": {
                str(seed): [asdict(level) for level in levels] for seed, levels in evaluation.forces.items()
            },
        }
    )
    return found


def _with_former_keys(figures: dict[str, Any]) -> dict[str, Any]:
    """The former names too, for one release."""
    former = {old: figures[new] for old, new in _FORMER_KEYS.items() if new in figures}
    return {**figures, **former}


def particle_page(
    evaluation: ParticleEvaluation, system: str, plots: Mapping[str, str], film: str = ""
) -> str:
    """The whole page.

    Args:
        evaluation: what was measured.
        system: name of the system, for the published rows.
        plots: SVG by title, from `plots.particle_plots`.
        film: HTML of the film; empty: none.
    """
    parts = [
        _summary(evaluation, system),
        section("Out of noise", film, "Left the state, right what the network takes it to be.")
        if film
        else "",
        _means(evaluation),
        _distances(evaluation),
        *(section(title, picture) for title, picture in plots.items()),
    ]
    return document(f"{system.upper()}: samples against physics", evaluation.protocol, "".join(parts))


def _summary(evaluation: ParticleEvaluation, system: str) -> str:
    figures, truths = evaluation.figures, evaluation.truths
    ours = (
        "molediff",
        _text(figures["nll"], 3),
        _text(figures["divergence"], 3),
        _text(figures["effective_sample_fraction"], 1, 100),
    )
    floor = ("entropy of the data (floor)", _text(truths["nll"], 3), "0", "100")
    published = ((name, nll, "", fraction) for name, nll, fraction in PUBLISHED.get(system, ()))
    head = ("", "NLL", "above the floor", "effective sample fraction / %")
    notes = (
        f"Heaviest weight: {100 * figures['largest_weight_fraction'].value:.2g} % of a seed's total; samples without "
        f"weight: {100 * figures['without_weight'].value:.2g} %, of higher energy than any test sample: "
        f"{100 * figures['above_the_data'].value:.2g} %. Error of the integration, from twice the nodes and steps: "
        f"{figures['quadrature_error_log_weight'].value:.3f} nats of a log-weight (root mean square), "
        f"{figures['quadrature_error_nll'].value:+.3f} of the NLL. Without the energy as a control variate the NLL is "
        f"{_text(figures['nll_plain'], 2)}."
    )
    rows = table(head, [floor, *published, ours], data_rows=[floor[0]])
    return section("Beside the published", rows, f"{_CONVENTION} {notes}")


def _means(evaluation: ParticleEvaluation) -> str:
    rows = [
        (
            title,
            "" if raw is None else _text(evaluation.figures[raw], 3),
            _text(evaluation.figures[own], 3),
            _text(evaluation.truths[truth], 3),
        )
        for title, (raw, own, truth) in _MEANS.items()
    ]
    head = ("", "samples", "reweighted", "Monte Carlo")
    return section(
        "Means", table(head, rows), "Mean and standard error over the seeds; of Monte Carlo its own error."
    )


def _distances(evaluation: ParticleEvaluation) -> str:
    figures, floors = evaluation.figures, evaluation.floors
    rows = []
    for title, name in _DISTANCES.items():
        raw = f"raw_{name}" if f"raw_{name}" in figures else name
        reweighted = _text(figures[name], 4) if raw != name else ""
        rows.append((title, _text(figures[raw], 4), reweighted, _text(floors[raw], 4)))
    head = ("distance to the test samples", "samples", "reweighted", "floor: Monte Carlo to Monte Carlo")
    return section(
        "Distances",
        table(head, rows),
        "Aligned Wasserstein-2: square root of the mean squared distance after the best relabelling and rotation.",
    )


def _text(found: Estimate, digits: int, factor: float = 1.0) -> str:
    if not math.isfinite(found.value):
        return ""
    if abs(found.value) >= 1e4:  # a mean that one pair of overlapping particles decides
        return f"{factor * found.value:.1e}"
    error = f" ± {factor * found.standard_error:.{digits}f}" if math.isfinite(found.standard_error) else ""
    return f"{factor * found.value:.{digits}f}{error}"
