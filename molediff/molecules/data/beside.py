"""Other molecules beside those to train on: small ones, or one's own, of which a share of the batches is taken."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem
from torch.utils.data import Sampler

from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.minima import connectivity_key, read_keys
from molediff.molecules.data.sdf import load_sdf
from molediff.runtime.checks import check_whole_number
from molediff.training.batches import BatchSource, EndlessBatches
from molediff.training.devices import Share
from molediff.training.draw import Batch

_ALIKE = 1.5
"""Molecules whose numbers of atoms differ by this much or less come in one batch."""


@dataclass(frozen=True)
class Beside:
    """Conformers of other molecules to train on.

    Attributes:
        conformers: of which each pass takes one of every molecule.
        share: of the batches, between 0 and 1.
        files: where they are from.
        notes: what was left out of them, sentences.
        times: how often a pass takes each packed molecule, shape (molecules,); None: each once.
    """

    conformers: ConformerDataset
    share: float
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    times: np.ndarray | None = None

    def __str__(self) -> str:
        return f"{self.share:.0%} of the batches from {' and '.join(self.files)}"


def load_beside(
    files: Sequence[str],
    share: float,
    held_out: Sequence[ConformerDataset],
    withheld: str | None = None,
    load: Callable[[Sequence[str]], ConformerDataset] = load_sdf,
    often: str | None = None,
    often_times: int = 4,
) -> Beside | None:
    """What to train on beside the rest; None without files.

    Args:
        files: SDF files, all of whose molecules are trained on.
        share: of the batches that come from them.
        held_out: conformers that are not trained on, nor are their molecules as other stereoisomers.
        withheld: a file of first blocks of InChIKeys, one a line (.txt or .txt.gz), of molecules that are left out.
        load: reads the files.
        often: a file of SMILES, the first word of each line, of molecules that each pass takes several times.
        often_times: how many times.

    Raises:
        ValueError: the share is not between 0 and 1, nothing is left, or a molecule of `often` is in no file.
        FileNotFoundError: a file is missing.
    """
    if not files:
        return None
    if not 0 < share < 1:
        raise ValueError(f"beside_share is the share of the batches, between 0 and 1; got {share}.")
    conformers = load(files)
    known = {constitution(smiles) for data in held_out for smiles in smiles_of(data)}
    keys = read_keys(withheld) if withheld else frozenset()
    smiles = conformers.packed.smiles_list()
    left_out = np.array([constitution(text) in known or connectivity_key(text) in keys for text in smiles])
    kept = conformers.subset(np.flatnonzero(~left_out[conformers.packed.molecule]))
    if not len(kept):
        raise ValueError(f"No molecule of {' and '.join(files)} is left to train on: all are held out.")
    notes = [f"{' and '.join(files)}: {left_out.sum()} molecules are held out and left out"]
    times = None if often is None else _times(smiles, often, often_times)
    return Beside(kept, share, tuple(files), tuple(notes if left_out.any() else ()), times)


def _times(smiles: Sequence[str], often: str, times: int) -> np.ndarray:
    """How often a pass takes each molecule: `times` if the file `often` has it as any stereoisomer, else once."""
    check_whole_number("often_times", times, least=1)
    lines = [line.split() for line in Path(often).read_text(encoding="utf-8").splitlines()]
    wanted = {constitution(words[0]) for words in lines if words and words[0] != "#"}
    have = [constitution(text) for text in smiles]
    if missing := sorted(wanted.difference(have)):
        raise ValueError(
            f"{often} names {len(missing)} molecules that are in no file of beside, {missing[0]} first: "
            "name such as are in one"
        )
    return np.where([text in wanted for text in have], times, 1)


def constitution(smiles: str) -> str:
    """Canonical SMILES without stereo."""
    return Chem.CanonSmiles(smiles, useChiral=0)


def smiles_of(conformers: ConformerDataset) -> list[str]:
    """SMILES of the molecules of a data set."""
    smiles = conformers.packed.smiles_list()
    return [smiles[i] for i in np.unique(conformers.packed.molecule[conformers.conformers])]


class MixedSource:
    """Batches of two sources: `batch((0, indices))` of the first, `batch((1, indices))` of the second."""

    def __init__(self, *sources: BatchSource) -> None:
        self.sources = sources

    def batch(self, item: tuple[int, Any]) -> Batch:
        """The batch of these samples of this source."""
        source, indices = item
        return self.sources[source].batch(indices)


def mixed_size(item: tuple[int, list[int]]) -> int:
    """Samples of an item of `MixedBatches`."""
    return len(item[1])


def mixed_part(item: tuple[int, list[int]], share: Share) -> tuple[int, list[int]]:
    """The part of an item of `MixedBatches` that one process takes."""
    source, indices = item
    return source, indices[share.first : share.stop]


class MixedBatches(Sampler[tuple[int, list[int]]]):
    """Endless batches, each of the first data set or of what is beside it; a function of the seed alone.

    Args:
        sizes: numbers of atoms of the samples of the first, shape (n,).
        beside: the other molecules. Each pass takes one conformer of every molecule, and molecules of similar size
            come in one batch.
        batch_size: samples a batch.
        seed: of the order.
        start: number of batches to leave out at the beginning, for a run that goes on.
    """

    def __init__(
        self, sizes: np.ndarray, beside: Beside, batch_size: int, seed: int = 0, start: int = 0
    ) -> None:
        self.sizes, self.beside, self.batch_size = sizes, beside, batch_size
        self.seed, self.start = seed, start

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        return itertools.islice(self._all(), self.start, None)

    def _all(self) -> Iterator[tuple[int, list[int]]]:
        first = iter(EndlessBatches(self.sizes, self.batch_size, self.seed))
        second = itertools.chain.from_iterable(map(self._pass, itertools.count()))
        generator = np.random.default_rng((self.seed, 0, 1))
        while True:
            other = generator.random() < self.beside.share
            yield (1, next(second)) if other else (0, next(first))

    def _pass(self, number: int) -> list[list[int]]:
        generator = np.random.default_rng((self.seed, number, 2))
        conformers = self.beside.conformers
        rounds = 1 if self.beside.times is None else int(self.beside.times.max())
        chosen = np.concatenate([self._one_each(generator, taken) for taken in range(rounds)])
        near = conformers.num_atoms[chosen] + generator.uniform(-_ALIKE, _ALIKE, len(chosen))
        chosen = chosen[np.argsort(near)]
        batches = [chosen[i : i + self.batch_size].tolist() for i in range(0, len(chosen), self.batch_size)]
        generator.shuffle(batches)
        return batches

    def _one_each(self, generator: np.random.Generator, taken: int) -> np.ndarray:
        """A conformer of every molecule that a pass takes more often than `taken` times."""
        conformers, times = self.beside.conformers, self.beside.times
        shuffled = generator.permutation(len(conformers))
        molecule = conformers.packed.molecule[conformers.conformers[shuffled]]
        which, first = np.unique(molecule, return_index=True)
        return shuffled[first if times is None else first[times[which] > taken]]
