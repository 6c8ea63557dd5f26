"""One result for every input, in order, lazily: by one process, or by several that share groups of inputs."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from rdkit import Chem

from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.generation.result import WHOLE_MOL, GenerationResult
from molediff.molecules.graph.inputs import label
from molediff.runtime.memory import keep_freed_memory
from molediff.runtime.processes import in_order

# A group fills about this many batches, so that molecules of similar size find each other, and memory does not grow
# with the number of inputs; half as many where batches are large, so that processes have groups to share and the first
# result is not waited for. A molecule of QM9 has 18 atoms on average.
_BATCHES_A_GROUP = 8
_LARGE_GROUP = 8192  # atoms
_TYPICAL_ATOMS = 18


def groups(molecules: Iterable[Any], options: GenerationOptions) -> Iterator[list[Any]]:
    """Consecutive inputs that share batches, read as they are asked for.

    Which inputs share a group depends on the options alone, and not on who works on it.
    """
    num_atoms = _BATCHES_A_GROUP * options.most_atoms
    num_atoms = min(num_atoms, max(num_atoms // 2, _LARGE_GROUP))
    size = num_atoms // (options.num_slots * _TYPICAL_ATOMS)
    if options.relax in ("gfn2", "aimnet2"):
        size = 1  # relaxation takes all the time, and batches conformers of one molecule at most
    stream = iter(molecules)
    while group := list(itertools.islice(stream, max(1, min(size, options.most_molecules)))):
        yield group


class Stream(ABC):
    """Works on inputs as they are asked for; what is done with a few of them at once is up to `run`.

    Args:
        options: what is asked for.
    """

    def __init__(self, options: GenerationOptions):
        self.options = options

    @abstractmethod
    def run(self, molecules: Iterable[Any]) -> Iterator[GenerationResult]:
        """One result for each of a few molecules, in order; each is finished when it is asked for."""

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

    def work(self, sent: list[Sent]) -> list[GenerationResult]:
        """The same of inputs as `send` makes them, all at once and on one thread: what a process of several does."""
        torch.set_num_threads(1)
        keep_freed_memory()
        return list(self.run(map(receive, sent)))

    def lost(self, sent: Sent) -> GenerationResult:
        """The result of an input whose process died."""
        return self.failure(
            receive(sent),
            "The process that worked on it died: killed, or out of memory. Try fewer conformers or batch_atoms.",
        )

    def failure(self, molecule: Any, reason: str, seconds: float = 0.0) -> GenerationResult:
        """The result of an input that cannot be used."""
        options = self.options
        return GenerationResult.failure(
            label(molecule), reason, options.num_conformers, options.seed, seconds
        )


Sent = str | bytes
"""A molecule on its way to another process: a SMILES, or a Mol with its properties and those of its atoms and bonds,
which a Mol pickled by itself leaves behind."""


def send(molecule: str | Chem.Mol) -> Sent:
    """A molecule as it goes to another process."""
    return molecule if isinstance(molecule, str) else molecule.ToBinary(int(WHOLE_MOL))


def receive(sent: Sent) -> str | Chem.Mol:
    """A molecule as it came from another process."""
    return sent if isinstance(sent, str) else Chem.Mol(sent)  # type: ignore[call-overload]  # its stubs leave bytes out
