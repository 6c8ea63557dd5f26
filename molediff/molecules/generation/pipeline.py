"""From a few inputs to their results: what one process does with one group of molecules."""

from __future__ import annotations

import itertools
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from rdkit import Chem

from molediff.molecules.errors import UnusableInputError
from molediff.molecules.generation.clock import Clock, running
from molediff.molecules.generation.job import Job
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generation.outcome import OUTSIDE
from molediff.molecules.generation.result import WHOLE_MOL, GenerationResult
from molediff.molecules.generation.sampler import RawSamples, Sampler, Slots, halves, plan_batches
from molediff.molecules.graph.inputs import PreparedMolecule, label, prepare, sample_generator
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.molecules.perception.domain import Domain
from molediff.runtime.memory import is_out_of_memory, keep_freed_memory
from molediff.runtime.processes import in_order

# A group fills about this many batches, so that molecules of similar size find each other, and memory does not grow
# with the number of inputs. A molecule of QM9 has 18 atoms on average.
_BATCHES_A_GROUP = 8
_TYPICAL_ATOMS = 18


def groups(molecules: Iterable[Any], options: GenerationOptions) -> Iterator[list[Any]]:
    """Consecutive inputs that share batches, read as they are asked for.

    Which inputs share a group depends on the options alone, and not on who works on it.
    """
    size = _BATCHES_A_GROUP * options.batch_atoms // (options.num_slots * _TYPICAL_ATOMS)
    if options.relax in ("gfn2", "aimnet2"):
        size = 1  # relaxation takes all the time, and batches conformers of one molecule at most
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
        domain: of the weights, or None if unknown.
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
        domain: Domain | None = None,
        vocabulary: Vocabulary = QM9,
    ):
        self.sampler, self.options, self.max_atoms = sampler, options, max_atoms
        self.trained_atoms, self.provenance = trained_atoms, provenance
        self.domain, self.vocabulary = domain, vocabulary
        self.batch_atoms = options.batch_atoms

    def results(self, molecules: Iterable[Any]) -> Iterator[GenerationResult]:
        """One result for each molecule, in order, by one process or as many as the options say."""
        if self.options.num_workers > 1:
            return self._in_processes(molecules)
        return (result for group in groups(molecules, self.options) for result in self.run(group))

    def _in_processes(self, molecules: Iterable[Any]) -> Iterator[GenerationResult]:
        # What is no molecule gets its result here, and None stands for a result to come from a process.
        ahead: deque[GenerationResult | None] = deque()

        def sent() -> Iterator[Sent]:
            for molecule in molecules:
                if isinstance(molecule, str | Chem.Mol):
                    ahead.append(None)
                    yield send(molecule)
                else:
                    ahead.extend(self.run([molecule]))

        in_groups = groups(sent(), self.options)
        for result in in_order(self.work, in_groups, self.options.num_workers, self.lost):
            while (refused := ahead.popleft()) is not None:
                yield refused
            yield result
        yield from (refused for refused in ahead if refused is not None)

    def run(self, molecules: Iterable[Any]) -> Iterator[GenerationResult]:
        """One result for each molecule, in order; each is finished when it is asked for."""
        work = [self._job(molecule) for molecule in molecules]
        self._sample([job for job in work if isinstance(job, Job)])
        while work:  # let go of each result as soon as it is handed out
            job = work.pop(0)
            if isinstance(job, Job):
                with running([job.clock]):
                    job = job.finish(self.provenance)
            yield job

    def work(self, sent: list[Sent]) -> list[GenerationResult]:
        """The same of inputs as `send` makes them, all at once and on one thread: what a process of several does."""
        torch.set_num_threads(1)
        keep_freed_memory()
        return list(self.run(map(receive, sent)))

    def _job(self, molecule: Any) -> Job | GenerationResult:
        clock = Clock(self.options.timeout)
        with running([clock]):
            try:
                prepared = prepare(molecule, self.max_atoms, self.vocabulary)
                return Job(prepared, self.options, clock, self._cautions(prepared))
            except UnusableInputError as error:
                return self._failure(molecule, str(error), clock.seconds)

    def _cautions(self, prepared: PreparedMolecule) -> tuple[str, ...]:
        """What every result of this molecule says."""
        cautions: tuple[str, ...] = (prepared.caution,) if prepared.caution else ()
        if self.domain is not None:
            lacks = self.domain.lacks(prepared.mol)
            if lacks and self.options.strict:
                raise UnusableInputError(f"{OUTSIDE}{'; '.join(lacks)} (strict=True refuses such molecules).")
            if lacks:
                cautions += (OUTSIDE + "; ".join(lacks),)
        elif self.trained_atoms is not None and prepared.num_atoms > self.trained_atoms:
            cautions += (
                f"{prepared.num_atoms} atoms, more than the {self.trained_atoms} of the largest training molecule: "
                "look at these conformers before use",
            )
        return cautions

    def _sample(self, jobs: list[Job]) -> None:
        """Draw until every job has its conformers, its attempts are used up or its time is."""
        for attempt in range(self.options.max_attempts):
            wanted = [(job, slots) for job in jobs if (slots := job.missing)]
            if not wanted:
                return
            for planned in plan_batches(wanted, self.batch_atoms):
                batch = [(job, slots) for job, slots in planned if not job.clock.is_up]
                if batch:
                    self._draw(batch, attempt)

    def _draw(self, batch: list[tuple[Job, Slots]], attempt: int) -> None:
        """Draw one batch and let each job examine its samples; one that memory does not hold is drawn in halves."""
        samples: list[RawSamples] | None = None
        try:
            samples = self._samples(batch, attempt)
        except (RuntimeError, MemoryError) as error:  # what torch raises on a GPU is a RuntimeError
            parts = halves(batch)
            if not (is_out_of_memory(error) and parts):
                raise
            self.batch_atoms = max(1, min(self.batch_atoms, _size(batch)) // 2)
            warnings.warn(
                f"out of memory with {_size(batch)} atoms in a batch: it is drawn in halves, and those that follow are "
                f"of {self.batch_atoms} at most; nothing is lost (batch_atoms={self.batch_atoms} begins so).",
                stacklevel=2,
            )
        if samples is None:  # what the failed attempt held is free by now
            for part in parts:
                self._draw(part, attempt)
            return
        for (job, slots), raw in zip(batch, samples, strict=True):
            with running([job.clock]):
                job.examine(slots, raw, attempt)

    def _samples(self, batch: list[tuple[Job, Slots]], attempt: int) -> list[RawSamples]:
        seed, jobs = self.options.seed, [job for job, _ in batch]
        with running([job.clock for job in jobs], [len(slots) for _, slots in batch]):
            return self.sampler.draw(
                [job.prepared.graph for job in jobs],
                [
                    [sample_generator(seed, job.prepared.key, slot, attempt) for slot in slots]
                    for job, slots in batch
                ],
                [job.fixed for job in jobs],
                [job.starts.positions(slots, attempt) for job, slots in batch if job.starts is not None],
            )

    def lost(self, sent: Sent) -> GenerationResult:
        """The result of an input whose process died."""
        return self._failure(
            receive(sent),
            "The process that worked on it died: killed, or out of memory. Try fewer conformers or batch_atoms.",
        )

    def _failure(self, molecule: Any, reason: str, seconds: float = 0.0) -> GenerationResult:
        options = self.options
        return GenerationResult.failure(
            label(molecule), reason, options.num_conformers, options.seed, seconds
        )


def _size(batch: list[tuple[Job, Slots]]) -> int:
    """Atoms of a batch, padding included."""
    return max(job.num_atoms for job, _ in batch) * sum(len(slots) for _, slots in batch)


Sent = str | bytes
"""A molecule on its way to another process: a SMILES, or a Mol with its properties and those of its atoms and bonds,
which a Mol pickled by itself leaves behind."""


def send(molecule: str | Chem.Mol) -> Sent:
    """A molecule as it goes to another process."""
    return molecule if isinstance(molecule, str) else molecule.ToBinary(int(WHOLE_MOL))


def receive(sent: Sent) -> str | Chem.Mol:
    """A molecule as it came from another process."""
    return sent if isinstance(sent, str) else Chem.Mol(sent)  # type: ignore[call-overload]  # its stubs leave bytes out
