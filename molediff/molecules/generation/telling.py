"""What the result of one molecule says of its conformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from molediff.molecules.energies.relax import LEARNED, METHODS
from molediff.molecules.generation import outcome, sharing
from molediff.molecules.generation.advice import Advice
from molediff.molecules.generation.refine import Refined
from molediff.molecules.perception.charges import has_unbalanced_charge, is_zwitterion
from molediff.molecules.perception.domain import GENERAL, weights_that_know

if TYPE_CHECKING:
    from molediff.molecules.generation.job import Job


def tell_of_time(job: Job, found: Refined, was_late: bool) -> None:
    """That the timeout struck, where something is missing for it; `was_late`: before all samples were drawn."""
    if not job.clock.is_up:
        return
    struck = f"timeout of {job.options.timeout:g} s struck"
    if found.problems or (was_late and job.num_missing):
        found.problems.insert(0, struck)
    elif found.cautions or was_late:
        found.cautions.insert(0, struck)


def reason_of(job: Job, found: Refined, chosen: Sequence[int], num_missing: int) -> str:
    """The reason of a result: what is missing and why, then what else there is to say of those chosen, by slot."""
    notes = [job.fault] if job.fault else []
    notes += found.problems
    if num_missing and not job.fault:
        what_to_do = Advice(job).what_to_do(num_missing - job.num_missing)
        asked, drawn = job.options.num_conformers, job.num_drawn
        notes.append(outcome.shortage(asked, num_missing, drawn, job.rejected, what_to_do))
    if found.rows.size and (misread := job.stereo.misread_atoms):
        notes.append(outcome.misread(misread))
    if num := len(job.of_force_field.intersection(chosen)):
        notes.append(outcome.by_force_field(num))
    notes += found.cautions
    if (
        found.energies is not None
        and job.options.energies == LEARNED
        and has_unbalanced_charge(job.prepared.mol)
    ):
        notes.append(outcome.LEARNED_OF_CHARGES)
    if found.energies is not None and not job.options.relax and is_zwitterion(job.prepared.mol):
        notes.append(outcome.PROTON_MAY_MOVE)
    if len(chosen) and job.before is None and job.provenance.get("weights") == GENERAL:
        known_by = weights_that_know(job.prepared.mol)
        if known_by and GENERAL not in known_by:
            notes.append(outcome.better_known_by(known_by[0]))
    return "; ".join([*notes, *sharing.cautions_about(job, chosen)])


def energy_method_of(job: Job) -> str:
    """Name of the method of the energies asked for."""
    if job.options.energies == LEARNED:
        weights = Path(job.provenance.get("weights", "the network"))  # the provenance has the whole path
        # A run's file is called weights.safetensors, whatever the run.
        name = weights.parent.name if weights.stem == "weights" and weights.parent.name else weights.stem
        return f"{METHODS['aimnet2']} as learned by {name}"
    return METHODS[str(job.options.energies)]
