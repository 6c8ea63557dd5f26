"""Starts whose torsions are drawn: a few embeddings, turned anew many times, and of those representative low ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.generation.embedding import Embedding
from molediff.molecules.hydrogen_torsions import HydrogenTorsions
from molediff.molecules.pieces import Pieces
from molediff.molecules.rotors import POLAR, Rotors
from molediff.molecules.spread import ConformerDistances, representatives
from molediff.molecules.torsion_prior import Clashes, TorsionDistribution

MACROCYCLE = 9
"""Atoms of a ring from which on hydrogens are embedded too: those within it take part in how it is folded."""


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

    LEAST_EMBEDDINGS, LEAST_OF_RIGID = 6, 2
    # Evaluations of MMFF94s, for rings and the bonds beside them: they are in all that is made of these.
    RELAXATION = 6
    # Of those, at least twice as many as conformers.
    CANDIDATES_EACH, LEAST_CANDIDATES, ENOUGH_CANDIDATES = 3, 40, 400
    # Evaluations of MMFF94s before their energies choose, and how much low ones count, in kcal/mol. In vacuum they
    # count more: what a crystal or a pocket holds is seldom the lowest of a molecule by itself.
    SCREENING: ClassVar = {"crystal": 4, "minima": 8}
    TEMPERATURES: ClassVar = {"crystal": 12.0, "minima": 4.0}
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
        base = self._embedded()
        if not len(base):
            return np.full((1, self._embedding.prepared.mol.GetNumAtoms(), 3), np.nan)
        wanted = max(self.LEAST_CANDIDATES, self.CANDIDATES_EACH * self._num)
        num_kept = max(2 * self._num, min(self.ENOUGH_CANDIDATES, wanted))
        x, num_free = self._drawn(base, num_kept)
        x = x[: min(num_kept, max(num_free, self._num))]
        return self._chosen_first(x)

    def _chosen_first(self, x: np.ndarray) -> np.ndarray:
        """Candidates (P, N, 3) further down the energy: first those that others are near to, the lower the more."""
        weights = np.ones(len(x))
        if self._field is not None:
            x, energies = self._field.lowered(x, self.SCREENING[self._init])
            x, energies = x[np.isfinite(energies)], energies[np.isfinite(energies)]
            weights = np.exp(-(energies - energies.min(initial=0.0)) / self.TEMPERATURES[self._init])
        mol = with_conformers(self._embedding.prepared.mol, list(x))
        distances = ConformerDistances(mol, self.MAPPINGS, np.float32)
        first = representatives(distances.matrix(), self._num, weights=weights)
        others = np.setdiff1d(np.arange(len(x)), first)
        return x[np.concatenate([first, others[np.argsort(-weights[others], kind="stable")]])]

    def _embedded(self) -> np.ndarray:
        """Structures (K, N, 3) to take pieces from."""
        mol, embedding = self._embedding.prepared.mol, self._embedding
        num = self.LEAST_OF_RIGID
        if differs_beyond_rotors(mol):
            # Where few bonds turn, rings and the like must make the difference.
            num = max(self.LEAST_EMBEDDINGS, self._num >> len(self._distribution.rotors))
        num, seed = min(self._num, num), embedding.random_seed(0, 0)
        folds = any(len(ring) >= MACROCYCLE for ring in mol.GetRingInfo().AtomRings())
        x = embedding.embed(num, seed) if folds else embedding.embed_heavy(num, seed)
        x = x[np.isfinite(x).all(axis=(1, 2))]
        return x if self._field is None else self._field.lowered(x, self.RELAXATION, charges=False)[0]

    def _drawn(self, base: np.ndarray, num: int) -> tuple[np.ndarray, int]:
        """Structures in the order of their clashes, and how many are free of them; `num` of them if they can be had."""
        rotors, random = self._distribution.rotors, self._embedding.random(0, 0)
        mol = self._embedding.prepared.mol
        pieces, clashes, hydrogens = Pieces(rotors), Clashes(mol), HydrogenTorsions(mol, self._rotors)
        found, penalties = [], []
        for _ in range(self.MOST_ROUNDS):
            x = pieces.combined(base, random.integers(len(base), size=(num, len(pieces))))
            torsions = self._distribution.draw(random, x)
            x = hydrogens.turned(rotors.turn(x, torsions - rotors.angles(x)), random)
            found.append(x)
            penalties.append(clashes.penalty(x))
            penalty = np.concatenate(penalties)
            num_free = int((penalty <= self.LARGEST_CLASH).sum())
            if num_free >= num:
                break
        return np.concatenate(found)[np.argsort(penalty, kind="stable")], num_free


def differs_beyond_rotors(mol: Chem.Mol) -> bool:
    """Whether embeddings differ in more than turns about single bonds: in puckered rings, or in stereo that is open."""
    info = mol.GetRingInfo()
    for ring in info.AtomRings():
        bent = [mol.GetAtomWithIdx(i).GetHybridization() == Chem.HybridizationType.SP3 for i in ring]
        if len(ring) > 4 and sum(bent) > 1:
            return True
    return any(found.specified == Chem.StereoSpecified.Unspecified for found in Chem.FindPotentialStereo(mol))
