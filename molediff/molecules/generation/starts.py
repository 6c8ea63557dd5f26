"""Where sampling begins for weights that know low noise alone: cheap guesses, by distance geometry or as given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from molediff.molecules.errors import UnusableInputError
from molediff.molecules.generation.clock import Clock
from molediff.molecules.generation.embedding import Embedding
from molediff.molecules.generation.fixed import FixedAtoms
from molediff.molecules.generation.fragments import has_macrocycle
from molediff.molecules.generation.grafting import Graft
from molediff.molecules.generation.relaxed_starts import (
    NUM_EVALUATIONS,
    NUM_OF_MACROCYCLES,
    RelaxedStarts,
    field_of,
)
from molediff.molecules.generation.torsion_starts import TorsionStarts
from molediff.molecules.graph.inputs import PreparedMolecule
from molediff.molecules.torsion_prior import shipped_distribution

INITS = ("etkdg", "given", "crystal", "minima")
"""What a refinement can begin with: conformers of RDKit's ETKDGv3 (Wang et al. 2020); those of the Mol given; or a few
of ETKDGv3's whose torsions are drawn anew, as crystals or as minima in vacuum have them, some way down MMFF94s."""


class Starts(Protocol):
    """Structures that the conformers of one molecule are made from."""

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """Structures for conformers `slots`, in Angstrom, shape (n, N, 3); NaN where there is none.

        They depend on the seed, the molecule, the number of samples asked for (`num_conformers`, or the pool), the
        slot and the attempt alone.
        """


def make_starts(
    prepared: PreparedMolecule,
    init: str,
    num_conformers: int,
    seed: int,
    clock: Clock | None = None,
    fixed: FixedAtoms | None = None,
) -> Starts:
    """What the conformers of one molecule begin with.

    Args:
        prepared: the molecule.
        init: one of `INITS`.
        num_conformers: conformers asked for.
        seed: of the embedding and of the torsions.
        clock: of the molecule, see `Embedding`.
        fixed: atoms that are held, and are where they belong in all starts.

    Raises:
        UnusableInputError: conformers are to be given and the input has none.
    """
    graft = None if fixed is None else fixed.graft
    starts = _make_starts(prepared, init, num_conformers, seed, clock, graft)
    return starts if graft is None else HeldStarts(starts, graft)


def _make_starts(
    prepared: PreparedMolecule,
    init: str,
    num_conformers: int,
    seed: int,
    clock: Clock | None,
    graft: Graft | None,
) -> Starts:
    if init == "given":
        return GivenStarts(prepared)
    embedding = Embedding(prepared, seed, clock, graft)
    if init == "etkdg":
        return EmbeddedStarts(embedding, num_conformers)
    field = field_of(prepared.mol, charges=init == "minima", held=[] if graft is None else graft.held)
    distribution = shipped_distribution(prepared.mol, prepared.graph, init)
    if graft is not None:
        distribution = graft.held_torsions(distribution)
    num_evaluations = (NUM_OF_MACROCYCLES if has_macrocycle(prepared.mol) else NUM_EVALUATIONS)[init]
    if len(distribution.rotors):
        starts: Starts = TorsionStarts(embedding, distribution, num_conformers, field, init)
        num_evaluations -= sum(TorsionStarts.SCREENING[init])
    else:  # rings alone: only embedding anew gives others
        starts = EmbeddedStarts(embedding, num_conformers)
    if field is None:
        return starts
    if graft is not None:  # before the others are relaxed around them
        starts = HeldStarts(starts, graft)
    return RelaxedStarts(starts, field, num_evaluations, num_conformers, clock, lowest_first=init == "minima")


class GivenStarts:
    """Given conformers, taken in turn, the same at every attempt."""

    def __init__(self, prepared: PreparedMolecule):
        if not len(prepared.conformers):
            raise UnusableInputError(
                "init='given' needs a Mol with at least one 3D conformer: give one, or leave init out."
            )
        self._given = prepared.conformers

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """See `Starts`."""
        return self._given[np.asarray(slots) % len(self._given)]


class HeldStarts:
    """Other starts, grafted on the atoms that are held."""

    def __init__(self, starts: Starts, graft: Graft):
        self._starts, self._graft = starts, graft

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """See `Starts`."""
        return self._graft.onto(self._starts.positions(slots, attempt))


class EmbeddedStarts:
    """An embedding for every conformer."""

    def __init__(self, embedding: Embedding, num_conformers: int):
        self._embedding, self._num = embedding, num_conformers
        self._first: np.ndarray | None = None

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """See `Starts`."""
        embedding = self._embedding
        if attempt == 0:
            if self._first is None:  # all at once: what depends on the molecule alone is then worked out once
                self._first = embedding.embed(self._num, embedding.random_seed(0, 0))
            return self._first[np.asarray(slots)]
        made = [embedding.embed(1, embedding.random_seed(slot, attempt))[0] for slot in slots]
        # What failed twice seldom comes right unless it begins nearer to a minimum.
        return np.stack([embedding.relaxed(x) if attempt > 1 else x for x in made])
