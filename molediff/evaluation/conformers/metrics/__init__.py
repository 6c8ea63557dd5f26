"""Metrics of conformers: one question, one function, one file; and the list of all that a report shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from molediff.evaluation.conformers.metrics.clashes import is_clash_free
from molediff.evaluation.conformers.metrics.connectivity import connectivity_matches
from molediff.evaluation.conformers.metrics.diversity import diversity
from molediff.evaluation.conformers.metrics.geometry import Geometry, distance_from_data, fraction_unusual
from molediff.evaluation.conformers.metrics.metric import (
    CHECKS,
    Metric,
    OverMolecules,
    fraction_of_requested,
    mean,
    mean_of_molecules,
    median_of_conformers,
)
from molediff.evaluation.conformers.metrics.mmff_strain import mmff_strain
from molediff.evaluation.conformers.metrics.plausibility import plausible_fraction
from molediff.evaluation.conformers.metrics.recall_precision import (
    AVERAGES,
    QUANTITIES,
    average_of_molecules,
    mean_on_solved_by_all,
)
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.evaluation.conformers.metrics.seconds import processor_seconds, wall_seconds
from molediff.evaluation.conformers.metrics.stereo import stereo_matches
from molediff.evaluation.conformers.results import Comparison, MoleculeResult

SUCCESS, RMSD, SECONDS = "success", "RMSD to the reference", "seconds a conformer"
"""Groups of the table's first block; all others stand in the second."""


def _rmsd(result: MoleculeResult) -> np.ndarray:
    """Heavy-atom RMSD in Angstrom, shape (num_references, num_returned)."""
    return rmsd_matrix(result.reference, result.conformers)


def _plausibility(result: MoleculeResult) -> list[dict[str, bool]]:
    from molediff.evaluation.report.plausibility import (
        plausibility_checks,  # here: needs what training does not
    )

    most = result.num_plausibility_requested
    return plausibility_checks(result.conformers, most, result.limits.energy_ratio) if most else []


def _geometry(result: MoleculeResult) -> Geometry:
    return Geometry.of(result.conformers)


def _returned(values: Sequence[Any], comparison: Comparison) -> float:
    """Conformers returned, of those asked for: within each molecule, then over molecules."""
    return mean(result.num_returned / result.num_requested for result in comparison.molecules)


def _average(quantity: str, average: str = "mean") -> OverMolecules:
    return partial(average_of_molecules, quantity=quantity, average=average)


_of_rmsd = partial(Metric, of_molecule=_rmsd, measured="rmsd", group=RMSD, of_data=False)
_of_geometry = partial(Metric, of_molecule=_geometry, measured="geometry")
_check = partial(
    Metric, unit="%", digits=1, better="high", over_molecules=fraction_of_requested, group=CHECKS
)
_count = partial(Metric, unit="", digits=0, better="", in_table=False)

_TABLE = (
    Metric("num_failed", "failed", "", 0, "low", "molecules for which not one conformer came back", group=SUCCESS,
           over_molecules=lambda _, of: len(of.molecules) - len(of.solved)),
    Metric("returned", "returned", "%", 1, "high",
           "conformers returned, of those asked for; mean over molecules", group=SUCCESS,
              over_molecules=_returned),
    _of_rmsd("mat_recall_mean", "best of n, mean", "Å", 3, "low",
             "heavy-atom RMSD of the nearest conformer (MAT-R), mean over molecules with conformers",
             over_molecules=_average("mat_recall")),
    _of_rmsd("mat_recall_median", "best, median", "Å", 3, "low", "its median",
             over_molecules=_average("mat_recall", "median")),
    _of_rmsd("mat_precision_mean", "mean of n", "Å", 3, "low",
             "mean RMSD of all conformers to their nearest reference (MAT-P), over molecules with conformers",
             over_molecules=_average("mat_precision")),
    _of_rmsd("cov_recall_0.5", "best < 0.5 Å", "%", 1, "high",
             "references that a conformer comes within 0.5 Å of (COV-R); failed molecules count as 0",
             over_molecules=_average("cov_recall_0.5")),
    _of_rmsd("cov_recall_0.1", "best < 0.1 Å", "%", 1, "high", "the same at 0.1 Å",
             over_molecules=_average("cov_recall_0.1")),
    _of_rmsd("cov_precision_0.5", "all < 0.5 Å", "%", 1, "high",
             "conformers within 0.5 Å of a reference (COV-P), of those asked for",
             over_molecules=_average("cov_precision_0.5")),
    Metric("diversity", "diversity", "Å", 3, "", "mean RMSD between the conformers of a molecule",
           lambda result: diversity(result.conformers), group=RMSD, of_data=False),
    _check("connectivity", "bonds",
           meaning="conformers whose bonds, perceived from coordinates alone, are those of the graph, of those asked "
                   "for", of_molecule=lambda result: connectivity_matches(result.conformers)),
    _check("stereo", "stereo", meaning="conformers with the R/S and E/Z asked for, of those asked for",
           of_molecule=lambda result: stereo_matches(result.conformers)),
    _check("clash_free", "no clash",
           meaning="conformers without atoms three or more bonds apart below 0.65 of their radii's sum, of those asked "
                   "for", of_molecule=lambda result: is_clash_free(result.conformers)),
    _check("plausible", "PoseBusters",
           meaning="conformers that pass all of PoseBusters' checks of a molecule, of those asked for and looked at",
           of_molecule=_plausibility, measured="plausibility", over_molecules=plausible_fraction),
    _of_geometry("bond_lengths_distance", "distance", "Å", 4, "low",
                 "Wasserstein distance from the reference geometries of the same molecules, mean over kinds of bond",
                 over_molecules=partial(distance_from_data, kind="bond_lengths"), group="bond lengths", of_data=False),
    _of_geometry("bond_lengths_outside", "unusual", "%", 2, "low",
                 "bonds outside the data's 0.1–99.9 % range of their kind; 0.2 % is expected of fresh data",
                 over_molecules=partial(fraction_unusual, kind="bond_lengths"), group="bond lengths"),
    _of_geometry("bond_angles_distance", "distance", "°", 3, "low", "the same for angles",
                 over_molecules=partial(distance_from_data, kind="bond_angles"), group="bond angles", of_data=False),
    _of_geometry("bond_angles_outside", "unusual", "%", 2, "low", "the same for angles",
                 over_molecules=partial(fraction_unusual, kind="bond_angles"), group="bond angles"),
    _of_geometry("ring_planarity_distance", "distance", "Å", 4, "low",
                 "the same for the largest distance of a ring atom from the ring's plane",
                 over_molecules=partial(distance_from_data, kind="ring_planarity"), group="rings", of_data=False),
    _of_geometry("ring_planarity_outside", "unusual", "%", 2, "low", "the same for that distance",
                 over_molecules=partial(fraction_unusual, kind="ring_planarity"), group="rings"),
    Metric("strain_median", "strain", "kcal/mol", 2, "",
           "energy above the MMFF94s minimum nearby, median over conformers; the data's own figure is the goal",
           lambda result: mmff_strain(result.conformers), median_of_conformers, "strain", "energy"),
    Metric("wall_seconds_per_conformer", "wall", "s", 4, "low",
           "wall time of the method, failures included, for each conformer returned",
           over_molecules=wall_seconds, group=SECONDS, of_data=False),
    Metric("processor_seconds_per_conformer", "processor", "s", 4, "low",
           "the same in processor time of all threads, which other work on the machine does not lengthen",
           over_molecules=processor_seconds, group=SECONDS, of_data=False),
)  # fmt: skip

_UNSEEN = (
    _count("num_molecules", "molecules", meaning="molecules", over_molecules=lambda _, of: len(of.molecules)),
    _count("num_requested", "requested", meaning="conformers asked for",
           over_molecules=lambda _, of: sum(result.num_requested for result in of.molecules)),
    _count("num_returned", "returned", meaning="conformers returned",
           over_molecules=lambda _, of: sum(result.num_returned for result in of.molecules)),
    Metric("strain_mean", "strain, mean", "kcal/mol", 2, "", "the same as strain_median, mean over molecules",
           lambda result: mmff_strain(result.conformers), mean_of_molecules, "strain", "energy", in_table=False),
    *(_of_rmsd(f"{quantity}_{average}", f"{quantity}, {average}", "%" if "cov" in quantity else "Å", 3, "",
               f"{quantity.replace('_', ' ')}, {average} over molecules",
               over_molecules=_average(quantity, average), in_table=False)
      for quantity in QUANTITIES for average in AVERAGES),
    *(_of_rmsd(quantity, quantity, "%", 1, "high", f"the same as {quantity}_mean",
               over_molecules=_average(quantity), in_table=False)
      for quantity in QUANTITIES if quantity.startswith("cov")),
    _count("num_solved_by_all", "solved by all", meaning="molecules of which every method returned conformers",
           over_molecules=lambda _, of: sum(of.solved_by_all)),
    *(_of_rmsd(f"{quantity}_mean_solved_by_all", f"{quantity}, solved by all", "Å", 3, "low",
               f"{quantity}_mean over the molecules of which every method returned conformers",
               over_molecules=partial(mean_on_solved_by_all, quantity=quantity), in_table=False)
      for quantity in ("mat_recall", "mat_precision")),
    Metric("seconds_per_conformer", "wall", "s", 4, "low",
           "former name of wall_seconds_per_conformer, which goes in the next release",
           over_molecules=wall_seconds, group=SECONDS, of_data=False, in_table=False),
)  # fmt: skip

CONFORMER_METRICS = (*_TABLE, *(metric for metric in _UNSEEN if metric.key not in {m.key for m in _TABLE}))
"""All that is measured unless said otherwise, in the order of the table. A metric is added by one stanza here, or by a
user in the call: `evaluate_methods(..., metrics=[*CONFORMER_METRICS, mine])`."""
