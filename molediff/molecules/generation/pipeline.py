"""From a few inputs to their results: what one process does with one group of molecules."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from rdkit import Chem

from molediff.molecules.errors import UnusableInputError, is_of_rdkit
from molediff.molecules.generation.clock import Clock, running
from molediff.molecules.generation.job import Job
from molediff.molecules.generation.known import KnownMinimum
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generation.outcome import MISSED, OUTSIDE, raised, too_small
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.sampler import RawSamples, Sampler, Slots, halves, plan_batches
from molediff.molecules.generation.stream import Stream
from molediff.molecules.graph.inputs import PreparedMolecule, prepare, sample_generators
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.molecules.perception.domain import Domain, weights_that_know
from molediff.molecules.perception.known_minima import METHOD, known_minima
from molediff.runtime.memory import is_out_of_memory


class Pipeline(Stream):
    """Samples groups of molecules with one model.

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
        super().__init__(options)
        self.sampler, self.max_atoms = sampler, max_atoms
        self.trained_atoms, self.provenance = trained_atoms, provenance
        self.domain, self.vocabulary = domain, vocabulary
        self.batch_atoms = options.most_atoms

    def run(self, molecules: Iterable[Any]) -> Iterator[GenerationResult]:
        """See `Stream`."""
        work = [self.begin(molecule) for molecule in molecules]
        self.sample([job for job in work if isinstance(job, Job)])
        while work:  # let go of each result as soon as it is handed out
            yield self.finish(work.pop(0))

    def begin(self, molecule: Any, before: Job | None = None) -> Job | GenerationResult:
        """What is to be done for one molecule, or the result of one that is refused.

        Args:
            molecule: see `prepare`.
            before: of other weights, which left some conformers to these: the time goes on, and what is known of the
                molecule holds for both.
        """
        clock = Clock(self.options.timeout) if before is None else before.clock
        with running([clock]):
            try:
                prepared = prepare(molecule, self.max_atoms, self.vocabulary, self.options.largest_fragment)
                known = self._minima_of(prepared.mol) if before is None else before.known
                cautions = self._cautions(prepared, known is not None)
                options = self.options
                if before is not None and before.accepted and before.options.energies != options.energies:
                    # Energies of one molecule are of one method, which knows the samples of both weights.
                    options = replace(options, energies=before.options.energies)
                return Job(prepared, options, clock, self.provenance, cautions, known, before)
            except UnusableInputError as error:
                return self.failure(molecule, str(error), clock.seconds)
            except Exception as error:
                if not is_of_rdkit(error):
                    raise
                return self.failure(molecule, raised(error), clock.seconds)

    def finish(self, job: Job | GenerationResult) -> GenerationResult:
        """The result of a job that was sampled; a result is one."""
        if isinstance(job, GenerationResult):
            return job
        result = None
        with running([job.clock]), job.by_itself():
            result = job.finish()
        return result or self.failure(job.prepared.smiles, job.fault, job.clock.seconds)

    def _cautions(self, prepared: PreparedMolecule, is_held: bool) -> tuple[str, ...]:
        """What every result of this molecule says; whether its samples are held against minima is `is_held`."""
        cautions: tuple[str, ...] = (prepared.caution,) if prepared.caution else ()
        if self.domain is not None:
            cautions += self._told(self.domain, prepared.mol, is_held)
        elif self.trained_atoms is not None and prepared.num_atoms > self.trained_atoms:
            cautions += (
                f"{prepared.num_atoms} atoms, more than the {self.trained_atoms} of the largest training molecule: "
                "look at these conformers before use",
            )
        return cautions

    def _minima_of(self, mol: Chem.Mol) -> KnownMinimum | None:
        """The minima that samples of a molecule should end in; None if they are not known or no matter."""
        taught = self.domain is not None and self.domain.ends_in == METHOD
        if not taught or self.options.relax is not None or self.options.fixed is not None:
            return None
        minima = known_minima(mol)
        return None if minima is None else KnownMinimum(mol, minima)

    def _told(self, domain: Domain, mol: Chem.Mol, is_held: bool) -> tuple[str, ...]:
        """What lies outside the domain, and what inside it was learned badly.

        Args:
            domain: of the weights.
            mol: sanitized, explicit hydrogens.
            is_held: whether samples are held against minima: then none is beside them.

        Raises:
            UnusableInputError: that is refused.
        """
        ends_in_minima = is_held or self.options.relax is not None
        found = {OUTSIDE: domain.lacks(mol), MISSED: [] if ends_in_minima else domain.misses(mol)}
        told = tuple(begin + "; ".join(notes) for begin, notes in found.items() if notes)
        if found[OUTSIDE] and self.options.strict:
            raise UnusableInputError(f"{told[0]} (strict=True refuses such molecules).")
        if found[OUTSIDE] and mol.GetNumHeavyAtoms() < domain.smallest_outside:
            raise UnusableInputError(
                f"{told[0]}; {too_small(domain.smallest_outside, weights_that_know(mol))}."
            )
        return told

    def sample(self, jobs: list[Job]) -> None:
        """Draw until every job has its conformers, its attempts are used up or its time is."""
        for attempt in range(self.options.max_attempts):
            wanted = [(job, slots) for job in jobs if (slots := job.missing)]
            if not wanted:
                return
            for job, slots in wanted:
                if job.is_left_to_force_field(attempt) and not job.clock.is_up:
                    self._relax(job, slots, attempt)
            by_network = [part for part in wanted if not part[0].is_left_to_force_field(attempt)]
            for planned in plan_batches(by_network, self.batch_atoms):
                batch = [(job, slots) for job, slots in planned if not job.clock.is_up]
                if batch:
                    self._draw(batch, attempt)

    def _relax(self, job: Job, slots: Slots, attempt: int) -> None:
        with running([job.clock], [len(slots)]), job.by_itself():
            job.examine(slots, job.by_force_field(slots, attempt), attempt)

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
            with running([job.clock]), job.by_itself():
                job.examine(slots, raw, attempt)

    def _samples(self, batch: list[tuple[Job, Slots]], attempt: int) -> list[RawSamples]:
        seed, jobs = self.options.seed, [job for job, _ in batch]
        with running([job.clock for job in jobs], [len(slots) for _, slots in batch]):
            return self.sampler.draw(
                [job.prepared.graph for job in jobs],
                [len(slots) for _, slots in batch],
                sample_generators(seed, [(job.prepared.key, slots) for job, slots in batch], attempt),
                [job.fixed for job in jobs],
                [job.begun(slots, attempt) for job, slots in batch if job.starts is not None],
            )


def _size(batch: list[tuple[Job, Slots]]) -> int:
    """Atoms of a batch, padding included."""
    return max(job.num_atoms for job, _ in batch) * sum(len(slots) for _, slots in batch)
