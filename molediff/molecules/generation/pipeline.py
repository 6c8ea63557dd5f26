"""From a few inputs to their results: what one process does with one group of molecules."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from rdkit import Chem

from molediff.molecules.errors import UnusableInputError
from molediff.molecules.generation.job import Job
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.sampler import Sampler, plan_batches
from molediff.molecules.graph.inputs import label, prepare, sample_generator
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.runtime.memory import keep_freed_memory

# A group fills about this many batches, so that molecules of similar size find each other, and memory does not grow
# with the number of inputs. A molecule of QM9 has 18 atoms on average.
_BATCHES_A_GROUP = 8
_TYPICAL_ATOMS = 18


def groups(molecules: Iterable[Any], options: GenerationOptions) -> Iterator[list[Any]]:
    """Consecutive inputs that share batches, read as they are asked for.

    Which inputs share a group depends on the options alone, and not on who works on it.
    """
    size = _BATCHES_A_GROUP * options.batch_atoms // (options.num_conformers * _TYPICAL_ATOMS)
    if options.relax == "gfn2":
        size = 1  # relaxation takes all the time, and batches none
    stream = iter(molecules)
    while group := list(itertools.islice(stream, max(1, min(size, options.lookahead)))):
        yield group


class Pipeline:
    """Samples groups of molecules.

    Args:
        sampler: draws raw samples.
        options: what is asked for.
        max_atoms: inputs with more atoms are refused.
        trained_atoms: atoms of the largest training molecule, or None if unknown.
        provenance: see `GenerationResult`.
        vocabulary: that of the network.
    """

    def __init__(
        self,
        sampler: Sampler,
        options: GenerationOptions,
        max_atoms: int,
        trained_atoms: int | None,
        provenance: dict[str, Any],
        vocabulary: Vocabulary = QM9,
    ):
        self.sampler, self.options, self.max_atoms = sampler, options, max_atoms
        self.trained_atoms, self.provenance, self.vocabulary = trained_atoms, provenance, vocabulary

    def run(self, molecules: Iterable[Any]) -> Iterator[GenerationResult]:
        """One result for each molecule, in order; each is finished when it is asked for. A result passes through."""
        work = [m if isinstance(m, GenerationResult) else self._job(m) for m in molecules]
        self._sample([job for job in work if isinstance(job, Job)])
        while work:  # let go of each result as soon as it is handed out
            job = work.pop(0)
            yield job.finish() if isinstance(job, Job) else job

    def work(self, molecules: list[Any]) -> list[GenerationResult]:
        """The same, all at once and on one thread: what a process of several does."""
        torch.set_num_threads(1)
        keep_freed_memory()
        return list(self.run(molecules))

    def _job(self, molecule: Any) -> Job | GenerationResult:
        start = time.perf_counter()
        try:
            prepared = prepare(molecule, self.max_atoms, self.vocabulary)
            seconds = time.perf_counter() - start
            return Job(prepared, self.options, self.trained_atoms, seconds, self.provenance)
        except UnusableInputError as error:
            return self._failure(molecule, str(error), time.perf_counter() - start)

    def _sample(self, jobs: list[Job]) -> None:
        """Draw until every job has its conformers, its attempts are used up or its time is."""
        for attempt in range(self.options.max_attempts):
            demands = [demand for job in jobs if (demand := job.demand()) is not None]
            for planned in plan_batches(demands, self.options.batch_atoms):
                batch = [part for part in planned if not part.owner.out_of_time]
                if not batch:
                    continue
                start = time.perf_counter()
                samples = self.sampler.draw(
                    [part.owner.prepared.graph for part in batch],
                    [
                        [
                            sample_generator(self.options.seed, part.owner.prepared.key, slot, attempt)
                            for slot in part.slots
                        ]
                        for part in batch
                    ],
                    [part.owner.fixed for part in batch],
                    [
                        None
                        if part.owner.starts is None
                        else part.owner.starts.positions(part.slots, attempt)
                        for part in batch
                    ],
                )
                share = (time.perf_counter() - start) / sum(len(part.slots) for part in batch)
                for part, raw in zip(batch, samples, strict=True):
                    part.owner.seconds += share * len(part.slots)
                    part.owner.examine(part.slots, raw)

    def sendable(self, molecule: Any) -> Any:
        """What to send to another process for an input: objects that are no molecule may not travel."""
        return molecule if isinstance(molecule, str | Chem.Mol) else next(self.run([molecule]))

    def lost(self, molecule: Any) -> GenerationResult:
        """The result of an input whose process died."""
        return self._failure(
            molecule,
            "The process that worked on it died: killed, or out of memory. Try fewer conformers or batch_atoms.",
        )

    def _failure(self, molecule: Any, reason: str, seconds: float = 0.0) -> GenerationResult:
        options = self.options
        return GenerationResult.failure(
            label(molecule), reason, options.num_conformers, options.seed, seconds
        )
