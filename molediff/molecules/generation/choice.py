"""Which weights work on a molecule, where there are two kinds: the narrow ones where they know it, else the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from molediff.molecules.generation.job import Job
from molediff.molecules.generation.pipeline import Pipeline
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.stream import Stream


class NarrowFirst(Stream):
    """Gives each molecule to the weights that know it; conformers that those miss the others draw, where they can.

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
            self.general.begin(one, job) if isinstance(job, Job) and self._leaves_some(who, job) else None
            for one, who, job in work
        ]
        first = [job for _, who, job in work if who is self.general]
        self.general.sample([job for job in (*first, *again) if isinstance(job, Job)])
        while work:  # let go of each result as soon as it is handed out
            _, who, job = work.pop(0)
            other = again.pop(0)
            if isinstance(other, Job) and other.has_more:
                yield self.general.finish(other)
                continue
            # What the narrow weights say counts where the others add nothing: they know the molecule.
            if isinstance(other, Job) and isinstance(job, Job):
                job.beside.append(other)
            yield who.finish(job)

    def _begin(self, molecule: Any) -> tuple[Pipeline, Job | GenerationResult]:
        """Who works on a molecule, and what there is to do."""
        job = self.narrow.begin(molecule)
        if isinstance(job, Job):
            return self.narrow, job
        return self.general, self.general.begin(molecule)

    def _leaves_some(self, who: Pipeline, job: Job) -> bool:
        """Whether it is the general weights' turn.

        Frames of two kinds of weights are those of different times: with `trajectory` they share no molecule.
        """
        if who is not self.narrow or not job.num_drawn or job.clock.is_up:
            return False
        return not job.accepted or (job.num_missing > 0 and not job.options.trajectory)
