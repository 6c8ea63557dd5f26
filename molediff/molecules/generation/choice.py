"""Which weights work on a molecule, where there are two kinds: the narrow ones where they know it, else the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from molediff.molecules.generation.job import Job
from molediff.molecules.generation.pipeline import Pipeline
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.stream import Stream


class NarrowFirst(Stream):
    """Gives each molecule to the weights that know it, and to the others if those draw nothing that passes the checks.

    A molecule has the numbers that its weights give by themselves: what else is in the stream does not matter.

    Args:
        narrow: refuses what its weights were not trained on (`strict`).
        general: takes the others, and has the last word on what cannot be used.
    """

    def __init__(self, narrow: Pipeline, general: Pipeline):
        super().__init__(narrow.options)
        self.narrow, self.general = narrow, general

    def run(self, molecules: Iterable[Any]) -> Iterator[GenerationResult]:
        """See `Stream`."""
        work = [(molecule, *self._begin(molecule)) for molecule in molecules]
        self.narrow.sample([job for _, who, job in work if who is self.narrow and isinstance(job, Job)])
        again = [
            # What is known of the molecule holds for both.
            self.general.begin(one, job.known)
            if isinstance(job, Job) and self._drew_nothing(who, job)
            else None
            for one, who, job in work
        ]
        first = [job for _, who, job in work if who is self.general]
        self.general.sample([job for job in (*first, *again) if isinstance(job, Job)])
        while work:  # let go of each result as soon as it is handed out
            _, who, job = work.pop(0)
            result = self.general.finish(other) if (other := again.pop(0)) is not None else None
            # Where neither has any, what the narrow weights say counts: they know the molecule.
            yield result if result is not None and result.num_conformers else who.finish(job)

    def _begin(self, molecule: Any) -> tuple[Pipeline, Job | GenerationResult]:
        """Who works on a molecule, and what there is to do."""
        job = self.narrow.begin(molecule)
        if isinstance(job, Job):
            return self.narrow, job
        return self.general, self.general.begin(molecule)

    def _drew_nothing(self, who: Pipeline, job: Job) -> bool:
        """Whether it is the general weights' turn."""
        return who is self.narrow and bool(job.num_drawn) and not job.accepted and not job.clock.is_up
