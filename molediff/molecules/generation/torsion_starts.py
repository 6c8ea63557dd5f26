"""Starts whose torsions are drawn: a few embeddings, turned anew many times, and of those representative low ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.generation.embedding import Embedding
from molediff.molecules.generation.piece_pool import PiecePool
from molediff.molecules.hydrogen_torsions import HydrogenTorsions
from molediff.molecules.pieces import Pieces
from molediff.molecules.rotors import POLAR, Rotors
from molediff.molecules.spread import ConformerDistances, crowding, representatives
from molediff.molecules.torsion_prior import Clashes, TorsionDistribution


class TorsionStarts:
    """Pieces of a few embeddings put together with torsions drawn anew, many times; those without clashes, first the
    ones that stand for others of low energy.

    Bond lengths, angles and rings are the embeddings', and so is the stereo, which turns about single bonds leave as it
    is. Drawing torsions costs a hundredth of an embedding.

    Args:
        embedding: of the molecule.
        distribution: of its torsions.
        num_conformers: conformers asked for.
        field: MMFF94s of the molecule; None where it does not describe it: then energies do not choose.
        init: "crystal" or "minima".
    """

    # Structures that are put together, for each conformer, and at least twice as many as these.
    CANDIDATES_EACH: ClassVar = {"crystal": 3, "minima": 4}
    LEAST_CANDIDATES, ENOUGH_CANDIDATES = 40, 800
    # Steps down MMFF94s before their energies choose, in rounds after each of which those too high to count are
    # left out, and how much low ones count, in kcal/mol. In vacuum they count more: what a crystal or a pocket holds
    # is seldom the lowest of a molecule by itself.
    SCREENING: ClassVar = {"crystal": (3,), "minima": (3, 4)}
    LEAST_WEIGHT = 1e-3
    TEMPERATURES: ClassVar = {"crystal": 12.0, "minima": 4.0}
    # In vacuum a minimum counts once, however many structures are near to it: nearer than this, in Angstrom.
    SAME_SHAPE = 0.6
    MOST_ROUNDS = 3
    LARGEST_CLASH = 0.05  # Angstrom^2, see `Clashes`
    # Symmetric numberings tried for the distances between candidates: three phenyl rings have eight.
    MAPPINGS = 16

    def __init__(
        self,
        embedding: Embedding,
        distribution: TorsionDistribution,
        num_conformers: int,
        field: MMFF | None,
        init: str,
    ):
        self._embedding, self._distribution, self._num = embedding, distribution, num_conformers
        self._field, self._init = field, init
        self._ordered: np.ndarray | None = None
        self._rotors = Rotors.of(embedding.prepared.mol)
        self._polar = self._rotors.subset(self._rotors.kind == POLAR)
        self._hydrogens = HydrogenTorsions(embedding.prepared.mol, self._rotors)
        self._pieces, self._clashes = Pieces(distribution.rotors), Clashes(embedding.prepared.mol)

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """See `Starts`."""
        if self._ordered is None:
            self._ordered = self._candidates()
        if attempt == 0:
            return self._ordered[np.asarray(slots) % len(self._ordered)]
        return np.stack([self._another(slot, attempt) for slot in slots])

    def _another(self, slot: int, attempt: int) -> np.ndarray:
        """A structure (N, 3) after another failed, relaxed by a force field: a further candidate or, where none is
        left, as of large molecules, the same one again; then embeddings, which cost more than all else there.

        Half of the hydrogens of hydroxyl groups and the like are turned: it may have been them.
        """
        assert self._ordered is not None
        embedding, num_candidates = self._embedding, len(self._ordered)
        further = slot + self._num
        if further >= num_candidates:
            further = slot % num_candidates
        if attempt == 1 and np.isfinite(self._ordered[further]).all():
            x = self._ordered[further]
        else:
            x = embedding.embed(1, embedding.random_seed(slot, attempt))[0]
        random = embedding.random(slot, attempt)
        turns = random.uniform(-180, 180, len(self._polar)) * (random.random(len(self._polar)) < 0.5)
        return embedding.relaxed(self._polar.turn(x, turns))

    def _candidates(self) -> np.ndarray:
        """Structures (P, N, 3): first the `num_conformers` that stand for all, then the others."""
        pool = PiecePool(
            self._embedding,
            self._distribution,
            self._pieces,
            self._clashes,
            self._num,
            self._field,
            self._init,
        )
        if not len(pool.x):
            return np.full((1, self._embedding.prepared.mol.GetNumAtoms(), 3), np.nan)
        wanted = max(self.LEAST_CANDIDATES, self.CANDIDATES_EACH[self._init] * self._num)
        num_kept = max(2 * self._num, min(self.ENOUGH_CANDIDATES, wanted))
        x, num_free = self._drawn(pool, num_kept)
        x = x[: min(num_kept, max(num_free, self._num))]
        return self._chosen_first(*self._screened(x))

    def _screened(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Structures (n, N, 3) further down the energy, and their weights; without those too high to count."""
        weights = np.ones(len(x))
        if self._field is not None:
            descent = self._field.descent(x)
            for num_steps in self.SCREENING[self._init]:
                descent.go_on(num_steps)
                energies = descent.energies
                weights = np.exp((np.nanmin(energies) - energies) / self.TEMPERATURES[self._init])
                order = np.argsort(-weights, kind="stable")  # NaN is last
                num_kept = max(self._num, int((weights > self.LEAST_WEIGHT).sum()))
                order = np.sort(order[: min(num_kept, int(np.isfinite(weights).sum()))])
                descent.keep(order)
                weights = weights[order]
            x = descent.x
        return x, weights

    def _chosen_first(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Candidates (P, N, 3): first those that others are near to, which count by their weights; then the others."""
        mol = with_conformers(self._embedding.prepared.mol, list(x))
        distances = ConformerDistances(mol, self.MAPPINGS, np.float32).matrix()
        each = weights / crowding(distances, self.SAME_SHAPE) if self._init == "minima" else weights
        first = representatives(distances, self._num, weights=each)
        others = np.setdiff1d(np.arange(len(x)), first)
        return x[np.concatenate([first, others[np.argsort(-weights[others], kind="stable")]])]

    def _drawn(self, pool: PiecePool, num: int) -> tuple[np.ndarray, int]:
        """Structures in the order of their clashes, and how many are free of them; `num` of them if they can be had."""
        rotors, random = self._distribution.rotors, self._embedding.random(0, 0)
        found, penalties = [], []
        for _ in range(self.MOST_ROUNDS):
            choice = np.stack([own[random.integers(len(own), size=num)] for own in pool.rows], axis=1)
            x = self._pieces.combined(pool.x, choice)
            torsions = self._distribution.draw(random, x)
            x = self._hydrogens.turned(rotors.turn(x, torsions - rotors.angles(x)), random)
            found.append(x)
            penalties.append(self._clashes.penalty(x))
            penalty = np.concatenate(penalties)
            num_free = int((penalty <= self.LARGEST_CLASH).sum())
            if num_free >= num:
                break
        return np.concatenate(found)[np.argsort(penalty, kind="stable")], num_free
