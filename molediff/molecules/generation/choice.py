"""Which weights work on a molecule, where there are two kinds: the narrow ones where they know it, else the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from molediff.molecules.generation.job import Job
from molediff.molecules.generation.pipeline import Pipeline
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.stream import Stream


class NarrowFirst(Stream):
    """Gives each molecule to the weights that know it.

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
        work = [self._begin(molecule) for molecule in molecules]
        for pipeline in (self.narrow, self.general):
            pipeline.sample([job for who, job in work if who is pipeline and isinstance(job, Job)])
        while work:  # let go of each result as soon as it is handed out
            who, job = work.pop(0)
            yield who.finish(job)

    def _begin(self, molecule: Any) -> tuple[Pipeline, Job | GenerationResult]:
        """Who works on a molecule, and what there is to do."""
        job = self.narrow.begin(molecule)
        if isinstance(job, Job):
            return self.narrow, job
        return self.general, self.general.begin(molecule)
