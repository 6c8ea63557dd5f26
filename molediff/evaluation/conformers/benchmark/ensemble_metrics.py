"""Metrics of `benchmark=ensembles`: coverage at the distances of drug-like molecules, energies above the lowest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol

from molediff.evaluation.conformers.benchmark.metrics import BENCHMARK_METRICS
from molediff.evaluation.conformers.metrics import CONFORMER_METRICS
from molediff.evaluation.conformers.metrics.metric import Metric, median_of_conformers
from molediff.evaluation.conformers.metrics.recall_precision import cov_precision, cov_recall
from molediff.evaluation.conformers.results import Comparison, MoleculeResult
from molediff.molecules.energies.relax import METHODS, conformer_energies, relax_conformers
from molediff.molecules.errors import ForceFieldError

THRESHOLDS = (0.75, 0.15)
"""In Angstrom. 0.75 is GEOM-DRUGS' (Ganea et al. 2021); 0.15 asks whether the minimum itself was found."""

# Of the references, which are minima of AIMNet2 in the order of their energies, so many of the lowest are relaxed by a
# method that takes seconds for each, to find the lowest of its own.
_RELAXED_REFERENCES = 3

_BY_KEY = {metric.key: metric for metric in (*CONFORMER_METRICS, *BENCHMARK_METRICS)}
_STRAINS = {"aimnet2": "aimnet2_strain_median", "gfn2": "xtb_strain_median", "mmff": "strain_median"}


class ExcessEnergy:
    """Energy of conformers above the lowest minimum known of their molecule: the lowest of its references.

    Args:
        method: one of `molecules.energies.relax.METHODS`. The references are minima of AIMNet2; for another method they
            are relaxed in it first, for "gfn2" the first three of a molecule: those lowest in AIMNet2.
        num_conformers: look at the first so many of a molecule.
    """

    def __init__(self, method: str, num_conformers: int) -> None:
        self.method, self.num_conformers = method, num_conformers
        self._lowest: dict[str, float] = {}

    def __call__(self, result: MoleculeResult) -> np.ndarray:
        """In kcal/mol, shape (n,); below 0 for what lies lower than all references; NaN if there is no energy."""
        few = _first_conformers(result.conformers, self.num_conformers)
        try:
            found = conformer_energies(few, self.method)
        except ForceFieldError:
            return np.full(few.GetNumConformers(), np.nan)
        return np.asarray(found - self._lowest_of(result.reference))

    def _lowest_of(self, reference: Mol) -> float:
        name = Chem.MolToSmiles(Chem.RemoveHs(reference))
        if name not in self._lowest:
            self._lowest[name] = float(np.nanmin(self._minima(reference)))
        return self._lowest[name]

    def _minima(self, reference: Mol) -> np.ndarray:
        if self.method == "aimnet2":
            return conformer_energies(reference, self.method)
        most = _RELAXED_REFERENCES if self.method == "gfn2" else reference.GetNumConformers()
        return relax_conformers(_first_conformers(reference, most), self.method).energies


def _first_conformers(mol: Mol, num: int) -> Mol:
    """A copy with the first `num` conformers."""
    few = Mol(mol)
    for conformer in list(few.GetConformers())[num:]:
        few.RemoveConformer(conformer.GetId())
    return few


def ensemble_metrics(energies: str | None, num_conformers: int) -> list[Metric]:
    """In the order of the table.

    Args:
        energies: "aimnet2", "gfn2", or "mmff", a cheap stand-in; None for no energies. The strain is that of the
            conformers which are relaxed (`Limits`), with "mmff" of all.
        num_conformers: of each molecule whose excess energy is computed.

    Raises:
        ValueError: there is no such method.
    """
    if energies is not None and energies not in _STRAINS:
        raise ValueError(f"energies must be 'aimnet2', 'gfn2', 'mmff' or None; got {energies!r}.")
    return [
        *(_coverage("R", cov_recall, threshold) for threshold in THRESHOLDS),
        _BY_KEY["mat_recall_mean"],
        *(_coverage("P", cov_precision, threshold) for threshold in THRESHOLDS),
        _BY_KEY["mat_precision_mean"],
        _BY_KEY["num_failed"],
        _BY_KEY["returned_pooled"],
        replace(_BY_KEY["wrong_stereo_returned"], title="wrong stereo", in_table=True),
        *(_energies(energies, num_conformers) if energies else ()),
        _BY_KEY["wall_seconds_per_conformer"],
        _BY_KEY["processor_seconds_per_conformer"],
    ]


def _coverage(kind: str, function: Callable[..., float], threshold: float) -> Metric:
    return replace(
        _BY_KEY["cov_recall_0.5_mean"],
        key=f"cov_{'recall' if kind == 'R' else 'precision'}_{threshold}",
        title=f"COV-{kind} {threshold}",
        digits=1,
        in_table=True,
        meaning=f"within {threshold} Å, mean over molecules, a failed one is 0",
        over_molecules=partial(_over_molecules, function=function, threshold=threshold),
    )


def _over_molecules(
    matrices: Sequence[np.ndarray], comparison: Comparison, function: Callable[..., float], threshold: float
) -> float:
    pairs = zip(matrices, comparison.molecules, strict=True)
    return float(np.mean([function(rmsd, result.num_requested, threshold) for rmsd, result in pairs]))


def _energies(method: str, num_conformers: int) -> list[Metric]:
    of_molecule, name = ExcessEnergy(method, num_conformers), METHODS[method]
    above = f"energy in {name} above the lowest reference"
    strain = _BY_KEY[_STRAINS[method]]
    return [
        Metric("excess_median", "excess", "kcal/mol", 2, "low", f"{above}, median over conformers", of_molecule,
               median_of_conformers, "excess"),
        Metric("excess_lowest", "lowest", "kcal/mol", 2, "low",
               f"{above} of the lowest of the first {num_conformers} conformers, median over molecules", of_molecule,
               _median_of_lowest, "excess"),
        replace(strain, title="strain", in_table=True),
    ]  # fmt: skip


def _median_of_lowest(values: Sequence[Any], comparison: Comparison) -> float:
    finite = [value[~np.isnan(value)] for value in values]
    lowest = [value.min() for value in finite if value.size]
    return float(np.median(lowest)) if lowest else float("nan")
