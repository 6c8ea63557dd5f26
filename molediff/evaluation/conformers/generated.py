"""Our own generator as one of the methods, with a tally of what it threw away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rdkit.Chem import Mol

from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generator import ConformerGenerator
from molediff.runtime.words import counted


class Generated:
    """An iterator of a generator's conformers of molecules, to be given to `evaluate_methods`.

    Args:
        generator: with its weights.
        references: molecules whose graph and stereo are asked for; their coordinates are kept from the generator.
        num_conformers: of each molecule; None for twice the number of its references.
        seed: of the random numbers.
        **options: as for `ConformerGenerator.generate_many`.
    """

    def __init__(
        self,
        generator: ConformerGenerator,
        references: Sequence[Mol],
        num_conformers: int | None,
        seed: int,
        **options: Any,
    ) -> None:
        self._generator = generator
        self._references = references
        self._num_conformers = num_conformers
        self._seed = seed
        self._options = options
        self.num_drawn = 0
        self.num_reflected = 0
        self.num_rejected: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Mol | None]:
        for result in self._results():
            self.num_drawn += result.num_drawn
            self.num_reflected += result.num_reflected
            self.num_rejected.update(result.num_rejected)
            yield result.mol

    @property
    def tally(self) -> str:
        """How many samples were drawn, and what share of them was reflected or rejected for which reason."""
        drawn = max(self.num_drawn, 1)
        causes = {"reflected": self.num_reflected, **self.num_rejected}
        shares = ", ".join(
            f"{cause.replace('_', ' ')} {100 * count / drawn:.2f} %" for cause, count in causes.items()
        )
        return f"{counted(self.num_drawn, 'sample')} drawn; {shares}"

    @property
    def wrong_stereo(self) -> float:
        """Share of the samples drawn whose stereo was wrong before any was reflected or rejected."""
        return (self.num_reflected + self.num_rejected["stereo"]) / max(self.num_drawn, 1)

    def _results(self) -> Iterator[GenerationResult]:
        bare = []
        for reference in self._references:
            mol = Mol(reference)
            mol.RemoveAllConformers()
            bare.append(mol)
        counts = [self._num_conformers or 2 * reference.GetNumConformers() for reference in self._references]
        # Those of which as many are asked for share batches; each stream works when one of its results is due.
        streams = {
            count: self._generator.generate_many(
                [mol for mol, its_count in zip(bare, counts, strict=True) if its_count == count],
                count,
                self._seed,
                **self._options,
            )
            for count in dict.fromkeys(counts)
        }
        for count in counts:
            yield next(streams[count])
