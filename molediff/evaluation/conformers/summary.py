"""From the results of single molecules to the figures of one method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from molediff.evaluation.conformers.metrics.distributions import distribution_distance, pool, share_outside
from molediff.evaluation.conformers.metrics.matching import matching
from molediff.evaluation.conformers.metrics.recall_precision import COVERAGE_THRESHOLDS, rmsd_figures
from molediff.evaluation.conformers.results import Geometry, MethodResult, MoleculeResult

GEOMETRY_KINDS = ("bond_lengths", "bond_angles", "ring_planarity")

Summary = dict[str, float]
"""Figures by key; NaN where there is nothing to average."""


def summarize(
    method: MethodResult, data: MethodResult, ranges: Sequence[Geometry], solved_by_all: Sequence[bool]
) -> Summary:
    """The figures of one method.

    Shares are taken of what was requested: a conformer that was not returned has passed no check, and a molecule
    without conformers covers nothing. Distances, energies and distributions exist only for conformers that were
    returned; they stand beside the number of failed molecules. Everything is averaged within a molecule first.

    Args:
        method: its results.
        data: results of the reference geometries, for the same molecules in the same order.
        ranges: geometries that define the usual ranges.
        solved_by_all: for each molecule whether every method returned conformers.
    """
    molecules = method.molecules
    solved = [molecule for molecule in molecules if not molecule.failed]
    summary = {
        "num_molecules": float(len(molecules)),
        "num_failed": float(len(molecules) - len(solved)),
        "num_requested": float(sum(molecule.num_requested for molecule in molecules)),
        "num_returned": float(sum(molecule.num_returned for molecule in molecules)),
        "returned": _share(molecules, lambda molecule: np.ones(molecule.num_returned)),
        "connectivity": _share(molecules, lambda molecule: molecule.connectivity),
        "stereo": _share(molecules, lambda molecule: molecule.stereo),
        "clash_free": _share(molecules, lambda molecule: molecule.clash_free),
        "plausible": _plausible_share(molecules),
        "diversity": _mean(molecule.diversity for molecule in solved),
        "strain_median": _nanmedian([molecule.strain for molecule in solved]),
        "strain_mean": _mean(_mean(molecule.strain) for molecule in solved),
        "seconds_per_conformer": _per_conformer(molecules, [molecule.seconds for molecule in molecules]),
        "processor_seconds_per_conformer": _per_conformer(
            molecules, [molecule.processor_seconds for molecule in molecules]
        ),
    }
    summary |= _rmsd_figures(molecules, solved_by_all)
    for kind in GEOMETRY_KINDS:
        samples = pool(getattr(molecule.geometry, kind) for molecule in solved)
        matched = pool(
            getattr(truth.geometry, kind)
            for truth, molecule in zip(data.molecules, molecules, strict=True)
            if not molecule.failed
        )
        summary[f"{kind}_distance"] = distribution_distance(samples, matched)
        summary[f"{kind}_outside"] = share_outside(samples, pool(getattr(usual, kind) for usual in ranges))
    return summary


def plausibility_shares(method: MethodResult) -> dict[str, float]:
    """Share of conformers that pass each of PoseBusters' checks, by name; of those requested, over molecules."""
    checks: dict[str, float] = {}
    requested = sum(molecule.num_plausibility_requested for molecule in method.molecules)
    for molecule in method.molecules:
        for conformer in molecule.plausibility:
            for name, passed in conformer.items():
                checks[name] = checks.get(name, 0.0) + passed / requested
    return checks


def failing_shares(method: MethodResult, summary: Summary) -> dict[str, float]:
    """Share of conformers that fail each check, ours and PoseBusters', by the check's name; of those asked for."""
    passing = {"bonds perceived": "connectivity", "stereo": "stereo", "no clash": "clash_free"}
    shares = {name: summary[key] for name, key in passing.items()}
    for name, share in plausibility_shares(method).items():
        shares[f"PoseBusters: {name.replace('_', ' ')}"] = share
    return {name: max(0.0, round(1 - share, 12)) for name, share in shares.items()}


def _rmsd_figures(molecules: Sequence[MoleculeResult], solved_by_all: Sequence[bool]) -> Summary:
    figures = rmsd_figures(
        [molecule.rmsd for molecule in molecules], [molecule.num_requested for molecule in molecules]
    )
    for kind in ("recall", "precision"):
        for threshold in COVERAGE_THRESHOLDS:
            figures[f"cov_{kind}_{threshold}"] = figures[f"cov_{kind}_{threshold}_mean"]
    common = [molecule for molecule, solved in zip(molecules, solved_by_all, strict=True) if solved]
    return figures | {
        "num_solved_by_all": float(len(common)),
        "mat_recall_mean_solved_by_all": _mean(matching(molecule.rmsd) for molecule in common),
        "mat_precision_mean_solved_by_all": _mean(matching(molecule.rmsd.T) for molecule in common),
    }


def _share(molecules: Sequence[MoleculeResult], passed: Callable[[MoleculeResult], np.ndarray]) -> float:
    """Mean over molecules of the share of requested conformers that pass."""
    return _mean(float(passed(molecule).sum()) / molecule.num_requested for molecule in molecules)


def _plausible_share(molecules: Sequence[MoleculeResult]) -> float:
    return _mean(
        sum(all(checks.values()) for checks in molecule.plausibility) / molecule.num_plausibility_requested
        for molecule in molecules
        if molecule.num_plausibility_requested
    )


def _per_conformer(molecules: Sequence[MoleculeResult], seconds: Sequence[float | None]) -> float:
    """Seconds of all molecules, failures included, for each conformer that came back; NaN where none were taken."""
    timed = [
        (molecule.num_returned, time)
        for molecule, time in zip(molecules, seconds, strict=True)
        if time is not None
    ]
    returned = sum(count for count, _ in timed)
    return sum(time for _, time in timed) / returned if returned else float("nan")


def _mean(values: Iterable[float]) -> float:
    """Mean of the values that exist; NaN if none does."""
    finite = [value for value in values if not np.isnan(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _nanmedian(arrays: Sequence[Sequence[float] | np.ndarray]) -> float:
    """Median of the values that exist; NaN if none does."""
    values = np.concatenate([np.asarray(array, dtype=float) for array in arrays]) if arrays else np.empty(0)
    values = values[~np.isnan(values)]
    return float(np.median(values)) if values.size else float("nan")
