"""Which of the conformers of one molecule comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from molediff.molecules.conformers import mean_of_methods
from molediff.molecules.generation.relaxed_starts import RelaxedStarts

if TYPE_CHECKING:
    from molediff.molecules.generation.job import Job

# How much the energies of the network and of the force field count: on held-out molecules a fifth to a third of the
# latter was best.
_OPINIONS = (3.0, 1.0)


def lowest_first(job: Job) -> list[int]:
    """Slots of the accepted conformers, where all begin as minima the lowest first, else in the order of the slots.

    By the mean of two opinions, the network's of what it made and, counted less, the force field's of what that began
    with: their errors have little in common. Within a tenth of a kcal/mol, which is nothing, slots keep their order: no
    last digit may change it.
    """
    slots = sorted(job.accepted)
    learned = np.array([job.accepted[slot].energy for slot in slots])
    if job.options.init != "minima" or job.before is not None or not np.isfinite(learned).any():
        return slots
    begun = job.starts.energies if isinstance(job.starts, RelaxedStarts) else None
    by_field = np.full(len(slots), np.nan)
    for row, slot in enumerate(slots):
        if begun is not None and job.accepted[slot].attempt == 0:
            by_field[row] = begun[slot]
    return [
        slots[i]
        for i in np.argsort(mean_of_methods(learned, by_field, weights=_OPINIONS).round(1), kind="stable")
    ]
