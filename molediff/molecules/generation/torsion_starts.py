"""Starts whose torsions are drawn: a few embeddings, turned anew many times, and of those representative low ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.generation.embedding import Embedding
from molediff.molecules.generation.fragments import MACROCYCLE, Fragment, fragments
from molediff.molecules.hydrogen_torsions import HydrogenTorsions
from molediff.molecules.pieces import Pieces
from molediff.molecules.rotors import POLAR, Rotors
from molediff.molecules.spread import ConformerDistances, representatives
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

    # Of the whole molecule: where macrocycles or open stereo make a difference, and elsewhere.
    LEAST_EMBEDDINGS, LEAST_OF_RIGID = 6, 2
    # Of a ring by itself: half of the conformers asked for, but fewer of large ones, whose embeddings take longer.
    FRAGMENTS_EACH, LEAST_OF_FRAGMENTS, MOST_OF_FRAGMENTS = 1 / 2, 6, 32
    SIZE_OF_FRAGMENTS = 16
    DRAWS_OF_FRAGMENTS = 3
    # Evaluations of MMFF94s, for rings and the bonds beside them: they are in all that is made of these.
    RELAXATION = 6
    # Structures that are put together of all these, at least twice as many as conformers.
    CANDIDATES_EACH, LEAST_CANDIDATES, ENOUGH_CANDIDATES = 3, 40, 400
    # Evaluations of MMFF94s before their energies choose, in rounds after each of which those too high to count are
    # left out, and how much low ones count, in kcal/mol. In vacuum they count more: what a crystal or a pocket holds
    # is seldom the lowest of a molecule by itself.
    SCREENING: ClassVar = {"crystal": (4,), "minima": (4, 5)}
    LEAST_WEIGHT = 1e-3
    TEMPERATURES: ClassVar = {"crystal": 12.0, "minima": 6.0}
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
        self._pieces, self._clashes = Pieces(distribution.rotors), Clashes(embedding.prepared.mol)

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """See `Starts`."""
        if self._ordered is None:
            self._ordered = self._candidates()
        if attempt == 0:
            return self._ordered[np.asarray(slots) % len(self._ordered)]
        return np.stack([self._another(slot, attempt) for slot in slots])

    def _another(self, slot: int, attempt: int) -> np.ndarray:
        """A structure (N, 3) after another failed, relaxed by a force field: a further candidate, then embeddings.

        Half of the hydrogens of hydroxyl groups and the like are turned: it may have been them.
        """
        assert self._ordered is not None
        place, embedding = slot + attempt * self._num, self._embedding
        if attempt == 1 and place < len(self._ordered):
            x = self._ordered[place]
        else:
            x = embedding.embed(1, embedding.random_seed(slot, attempt))[0]
        random = embedding.random(slot, attempt)
        turns = random.uniform(-180, 180, len(self._polar)) * (random.random(len(self._polar)) < 0.5)
        return embedding.relaxed(self._polar.turn(x, turns))

    def _candidates(self) -> np.ndarray:
        """Structures (P, N, 3): first the `num_conformers` that stand for all, then the others."""
        base, rows = self._pool()
        if not len(base):
            return np.full((1, self._embedding.prepared.mol.GetNumAtoms(), 3), np.nan)
        wanted = max(self.LEAST_CANDIDATES, self.CANDIDATES_EACH * self._num)
        num_kept = max(2 * self._num, min(self.ENOUGH_CANDIDATES, wanted))
        x, num_free = self._drawn(base, rows, num_kept)
        x = x[: min(num_kept, max(num_free, self._num))]
        return self._chosen_first(x)

    def _chosen_first(self, x: np.ndarray) -> np.ndarray:
        """Candidates (P, N, 3) further down the energy: first those that others are near to, the lower the more."""
        weights = np.ones(len(x))
        if self._field is not None:
            for num_evaluations in self.SCREENING[self._init]:
                x, energies = self._field.lowered(x, num_evaluations)
                weights = np.exp((np.nanmin(energies) - energies) / self.TEMPERATURES[self._init])
                order = np.argsort(-weights, kind="stable")  # NaN is last
                num_kept = max(self._num, int((weights > self.LEAST_WEIGHT).sum()))
                order = np.sort(order[: min(num_kept, int(np.isfinite(weights).sum()))])
                x, weights = x[order], weights[order]
        mol = with_conformers(self._embedding.prepared.mol, list(x))
        distances = ConformerDistances(mol, self.MAPPINGS, np.float32)
        first = representatives(distances.matrix(), self._num, weights=weights)
        others = np.setdiff1d(np.arange(len(x)), first)
        return x[np.concatenate([first, others[np.argsort(-weights[others], kind="stable")]])]

    def _embedded(self) -> np.ndarray:
        """Structures (K, N, 3) of the whole molecule to take pieces from."""
        mol, embedding = self._embedding.prepared.mol, self._embedding
        num = self.LEAST_EMBEDDINGS if differs_beyond_rotors(mol) else self.LEAST_OF_RIGID
        num, seed = min(self._num, num), embedding.random_seed(0, 0)
        folds = any(len(ring) >= MACROCYCLE for ring in mol.GetRingInfo().AtomRings())
        x = embedding.embed(num, seed) if folds else embedding.embed_heavy(num, seed)
        return x[np.isfinite(x).all(axis=(1, 2))]

    def _pool(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """Structures (K, N, 3), and for each piece which of them to take it from: its own conformations."""
        base, random = self._embedded(), self._embedding.random(0, 0)
        mol, rows = self._embedding.prepared.mol, [np.arange(len(base)) for _ in range(len(self._pieces))]
        made = [base]
        for fragment in fragments(mol, self._pieces) if len(base) else ():
            own = self._conformations(fragment)
            choice = np.tile((np.arange(len(own)) % len(base))[:, None], len(self._pieces))
            choice[:, fragment.piece] = len(base) + np.arange(len(own))
            x = self._pieces.combined(np.concatenate([base, own]), choice)
            rows[fragment.piece] = np.append(rows[fragment.piece], sum(map(len, made)) + np.arange(len(own)))
            made.append(self._least_clashing(x, random))
        x = np.concatenate(made)
        if self._field is not None and len(x):
            x = self._field.lowered(x, self.RELAXATION, charges=False)[0]
        return x, rows

    def _conformations(self, fragment: Fragment) -> np.ndarray:
        """Embeddings of a fragment on the atoms of the molecule, NaN elsewhere, shape (n, N, 3)."""
        share = min(1.0, (self.SIZE_OF_FRAGMENTS / fragment.mol.GetNumHeavyAtoms()) ** 2)
        wanted = share * min(self.FRAGMENTS_EACH * self._num, self.MOST_OF_FRAGMENTS)
        num = max(min(self.LEAST_OF_FRAGMENTS, 2 * self._num), int(wanted))
        seed = self._embedding.random_seed(1 + fragment.piece, 0)
        found = self._embedding.embed_fragment(fragment.mol, num, seed)
        found = found[np.isfinite(found).all(axis=(1, 2))]
        x = np.full((len(found), len(self._pieces.of_atom), 3), np.nan)
        x[:, fragment.atoms] = found
        return x

    def _least_clashing(self, x: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Structures (n, N, 3) turned by torsions that are drawn: of three draws each, that of the fewest clashes."""
        rotors = self._distribution.rotors
        found = []
        for _ in range(self.DRAWS_OF_FRAGMENTS):
            torsions = self._distribution.draw(random, x)
            found.append(rotors.turn(x, torsions - rotors.angles(x)))
        penalties = np.stack([self._clashes.penalty(one) for one in found])
        return np.stack(found)[penalties.argmin(0), np.arange(len(x))]

    def _drawn(self, base: np.ndarray, rows: list[np.ndarray], num: int) -> tuple[np.ndarray, int]:
        """Structures in the order of their clashes, and how many are free of them; `num` of them if they can be had."""
        rotors, random = self._distribution.rotors, self._embedding.random(0, 0)
        hydrogens = HydrogenTorsions(self._embedding.prepared.mol, self._rotors)
        found, penalties = [], []
        for _ in range(self.MOST_ROUNDS):
            choice = np.stack([own[random.integers(len(own), size=num)] for own in rows], axis=1)
            x = self._pieces.combined(base, choice)
            torsions = self._distribution.draw(random, x)
            x = hydrogens.turned(rotors.turn(x, torsions - rotors.angles(x)), random)
            found.append(x)
            penalties.append(self._clashes.penalty(x))
            penalty = np.concatenate(penalties)
            num_free = int((penalty <= self.LARGEST_CLASH).sum())
            if num_free >= num:
                break
        return np.concatenate(found)[np.argsort(penalty, kind="stable")], num_free


def differs_beyond_rotors(mol: Chem.Mol) -> bool:
    """Whether embeddings differ in more than turns about single bonds and rings: in macrocycles, or in open stereo."""
    if any(len(ring) >= MACROCYCLE for ring in mol.GetRingInfo().AtomRings()):
        return True
    return any(found.specified == Chem.StereoSpecified.Unspecified for found in Chem.FindPotentialStereo(mol))
