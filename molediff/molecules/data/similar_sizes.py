"""Batches of molecules of similar size, as many as a bound of the cost allows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

# A hydrogen has about twelve neighbours to see, a heavy atom all heavy atoms.
_NEIGHBOURS = 12


class SimilarSizes(Sampler[list[int]]):
    """Endless lists of indices of molecules that are alike in heavy atoms and in hydrogens.

    Every index comes once a pass. What is in one batch changes from pass to pass, within what differs little in size;
    the order is a function of the seed alone.

    Args:
        num_heavy: heavy atoms of each sample, shape (n,).
        num_hydrogens: hydrogens of each, shape (n,).
        most_pairs: bound of a batch, in pairs of atoms that see each other, padding included. It bounds memory, and
            small molecules come in larger batches.
        seed: of the order.
        start: number of batches to leave out at the beginning, for a run that goes on.
        endless: False for one pass in the plain order, sizes ascending.

    Raises:
        ValueError: there is no sample.
    """

    def __init__(
        self,
        num_heavy: np.ndarray,
        num_hydrogens: np.ndarray,
        most_pairs: int,
        seed: int = 0,
        start: int = 0,
        endless: bool = True,
    ) -> None:
        if not len(num_heavy):
            raise ValueError("There is no molecule to train on.")
        if most_pairs < 1:
            raise ValueError(f"most_pairs is a number of pairs of atoms, at least 1; got {most_pairs}.")
        self.num_heavy = np.asarray(num_heavy, dtype=np.int64)
        self.num_hydrogens = np.asarray(num_hydrogens, dtype=np.int64)
        self.most_pairs, self.seed, self.start, self.endless = most_pairs, seed, start, endless

    def __iter__(self) -> Iterator[list[int]]:
        passes = itertools.count() if self.endless else range(1)
        batches = itertools.chain.from_iterable(map(self._pass, passes))
        return itertools.islice(batches, self.start, None)

    def _pass(self, number: int) -> list[list[int]]:
        heavy, hydrogens = self.num_heavy.astype(float), self.num_hydrogens.astype(float)
        generator = np.random.default_rng((self.seed, number))
        if self.endless:
            heavy = heavy + generator.uniform(-1, 1, len(heavy))
            hydrogens = hydrogens + generator.uniform(-3, 3, len(heavy))
        batches: list[list[int]] = []
        batch: list[int] = []
        most = (0, 0)
        # Steps of one heavy atom, within each by hydrogens: up and down in turn, so that ends of steps fit together.
        step = np.round(heavy).astype(np.int64)
        for i in np.lexsort((np.where(step % 2 == 0, hydrogens, -hydrogens), step)).tolist():
            wider = max(most[0], int(self.num_heavy[i])), max(most[1], int(self.num_hydrogens[i]))
            if batch and (len(batch) + 1) * (wider[0] ** 2 + _NEIGHBOURS * wider[1]) > self.most_pairs:
                batches.append(batch)
                batch, wider = [], (int(self.num_heavy[i]), int(self.num_hydrogens[i]))
            batch.append(i)
            most = wider
        batches.append(batch)
        if self.endless:
            generator.shuffle(batches)
        return batches
