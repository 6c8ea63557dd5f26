"""What is said of conformers of one molecule that two kinds of weights have drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from molediff.molecules.generation import outcome

if TYPE_CHECKING:
    from molediff.molecules.generation.job import Job


def cautions_about(job: Job, chosen: Sequence[int]) -> list[str]:
    """What is said of these conformers, by number, whatever became of the samples; of the first weights' first."""
    num_before = _num_before(job, chosen)
    if job.before is None or not num_before:
        return list(job.cautions)
    cautions = list(job.before.cautions)
    if num_here := len(chosen) - num_before:
        names = [str(by.get("weights")) for by in (job.before.provenance, job.provenance)]
        cautions.append(outcome.by_two(num_here, len(chosen), *names))
        cautions += [caution for caution in job.cautions if caution not in cautions]
    return cautions


def provenances_of(job: Job, chosen: Sequence[int]) -> tuple[dict[str, Any], ...] | None:
    """How each was made, where that differs."""
    before = job.before
    if before is None or not 0 < _num_before(job, chosen) < len(chosen):
        return None
    return tuple(before.provenance if slot in before.accepted else job.provenance for slot in chosen)


def provenance_of(job: Job, chosen: Sequence[int]) -> dict[str, Any]:
    """How all were made: where they are of two kinds of weights, what both have in common and their names."""
    if job.before is None or not _num_before(job, chosen):
        return job.provenance
    before = job.before.provenance
    if provenances_of(job, chosen) is None:
        return before
    common = {key: value for key, value in before.items() if job.provenance.get(key) == value}
    return {"weights": f"{before.get('weights')}, {job.provenance.get('weights')}", **common}


def _num_before(job: Job, chosen: Sequence[int]) -> int:
    """How many of these conformers are the first weights'."""
    return 0 if job.before is None else len(job.before.accepted.keys() & set(chosen))
