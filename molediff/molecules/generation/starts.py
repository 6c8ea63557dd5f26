"""Where sampling begins for weights that know low noise alone: cheap guesses, by distance geometry or as given."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom

from molediff.molecules.conformers import with_conformers
from molediff.molecules.errors import UnusableInputError
from molediff.molecules.graph.inputs import PreparedMolecule, sample_generator
from molediff.molecules.rotors import POLAR, Rotors
from molediff.molecules.spread import coverage_order
from molediff.molecules.torsion_prior import Clashes, TorsionDistribution, shipped_distribution

INITS = ("etkdg", "given", "crystal", "minima")
"""What a refinement can begin with: conformers of RDKit's ETKDGv3 (Wang et al. 2020); those of the Mol given; or a few
of ETKDGv3's whose torsions are drawn anew, as crystals or as minima in vacuum have them."""

_SECONDS_EACH = 20  # an embedding that takes longer seldom ends


class Starts(Protocol):
    """Structures that the conformers of one molecule are made from."""

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """Structures for conformers `slots`, in Angstrom, shape (n, N, 3); NaN where there is none.

        They depend on the seed, the molecule, the slot and the attempt alone.
        """


def make_starts(prepared: PreparedMolecule, init: str, num_conformers: int, seed: int) -> Starts:
    """What the conformers of one molecule begin with.

    Args:
        prepared: the molecule.
        init: one of `INITS`.
        num_conformers: conformers asked for.
        seed: of the embedding and of the torsions.

    Raises:
        UnusableInputError: conformers are to be given and the input has none.
    """
    if init == "given":
        return GivenStarts(prepared)
    embedding = Embedding(prepared, seed)
    if init == "etkdg":
        return EmbeddedStarts(embedding, num_conformers)
    distribution = shipped_distribution(prepared.mol, prepared.graph, init)
    if not len(distribution.rotors):  # rings alone: only embedding anew gives others
        return EmbeddedStarts(embedding, num_conformers)
    return TorsionStarts(embedding, distribution, num_conformers)


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


class Embedding:
    """ETKDGv3 for one molecule, with seeds of its own for each purpose.

    Args:
        prepared: the molecule.
        seed: of all.
    """

    def __init__(self, prepared: PreparedMolecule, seed: int):
        self.prepared, self._seed = prepared, seed

    def random_seed(self, slot: int, attempt: int) -> int:
        """A seed in RDKit's range, which multiplies it by the number of the conformer, in 32 bits."""
        generator = sample_generator(self._seed, self.prepared.key, slot, attempt)
        return 1 + generator.initial_seed() % 10_000

    def random(self, slot: int, attempt: int) -> np.random.Generator:
        """Random numbers of a slot and attempt."""
        return np.random.default_rng(
            sample_generator(self._seed, self.prepared.key, slot, attempt).initial_seed()
        )

    def embed(self, num: int, seed: int) -> np.ndarray:
        """Conformers in Angstrom, shape (num, N, 3), NaN where the embedding failed."""
        mol = Chem.Mol(self.prepared.mol)
        parameters = rdDistGeom.ETKDGv3()
        parameters.randomSeed = seed  # type: ignore[assignment]  # the stubs give it another type
        parameters.timeout = _SECONDS_EACH  # type: ignore[assignment]
        x = np.full((num, mol.GetNumAtoms(), 3), np.nan)
        with rdBase.BlockLogs(), _interrupts_wait():
            for conformer_id in rdDistGeom.EmbedMultipleConfs(mol, num, parameters):
                x[conformer_id] = mol.GetConformer(conformer_id).GetPositions()
        return x


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Keep Ctrl-C until the block ends: RDKit would take it for itself, and end with fewer conformers."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
        return np.concatenate([embedding.embed(1, embedding.random_seed(slot, attempt)) for slot in slots])


class TorsionStarts:
    """A few embeddings whose torsions are drawn anew, many times; those without clashes, the representative ones first.

    Bond lengths, angles and rings are the embeddings', and so is the stereo, which turns about single bonds leave as it
    is. Drawing torsions costs a hundredth of an embedding.

    Args:
        embedding: of the molecule.
        distribution: of its torsions.
        num_conformers: conformers asked for.
    """

    LEAST_EMBEDDINGS, LEAST_OF_RIGID = 10, 4
    # Of those, at least twice as many as conformers.
    CANDIDATES_EACH, LEAST_CANDIDATES, ENOUGH_CANDIDATES = 8, 40, 400
    DRAWS_EACH = 3
    LARGEST_CLASH = 0.05  # Angstrom^2, see `Clashes`

    def __init__(self, embedding: Embedding, distribution: TorsionDistribution, num_conformers: int):
        self._embedding, self._distribution, self._num = embedding, distribution, num_conformers
        self._ordered: np.ndarray | None = None
        rotors = Rotors.of(embedding.prepared.mol)
        self._polar = rotors.subset(rotors.kind == POLAR)

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """See `Starts`."""
        if self._ordered is None:
            self._ordered = self._candidates()
        if attempt == 0:
            return self._ordered[np.asarray(slots) % len(self._ordered)]
        return np.stack([self._another(slot, attempt) for slot in slots])

    def _another(self, slot: int, attempt: int) -> np.ndarray:
        """A structure (N, 3) after another failed: a further candidate, or an embedding when they are used up.

        Half of the hydrogens of hydroxyl groups and the like are turned: it may have been them.
        """
        assert self._ordered is not None
        place, embedding = slot + attempt * self._num, self._embedding
        if place < len(self._ordered):
            x = self._ordered[place]
        else:
            x = embedding.embed(1, embedding.random_seed(slot, attempt))[0]
        random = embedding.random(slot, attempt)
        turns = random.uniform(-180, 180, len(self._polar)) * (random.random(len(self._polar)) < 0.5)
        return self._polar.turn(x, turns)

    def _candidates(self) -> np.ndarray:
        """Structures (P, N, 3): first the `num_conformers` that are spread over all, then the others."""
        mol, rotors = self._embedding.prepared.mol, self._distribution.rotors
        least = self.LEAST_EMBEDDINGS if differs_beyond_rotors(mol) else self.LEAST_OF_RIGID
        # Where few bonds turn, rings and the like must make the difference.
        num_embeddings = min(self._num, max(least, self._num >> len(rotors)))
        base = self._embedding.embed(num_embeddings, self._embedding.random_seed(0, 0))
        base = base[np.isfinite(base).all(axis=(1, 2))]
        if not len(base):
            return np.full((1, *self._shape), np.nan)
        wanted = max(self.LEAST_CANDIDATES, self.CANDIDATES_EACH * self._num)
        num_kept = max(2 * self._num, min(self.ENOUGH_CANDIDATES, wanted))
        num = self.DRAWS_EACH * num_kept
        x = base[np.arange(num) % len(base)]
        torsions = self._distribution.draw(self._embedding.random(0, 0), x)
        x = rotors.turn(x, torsions - rotors.angles(x))
        clash = Clashes(mol).penalty(x)
        num_free = int((clash <= self.LARGEST_CLASH).sum())
        x = x[np.argsort(clash, kind="stable")[: min(num_kept, max(num_free, self._num))]]
        first = coverage_order(with_conformers(mol, list(x)), self._num)
        return x[np.concatenate([first, np.setdiff1d(np.arange(len(x)), first)])]

    @property
    def _shape(self) -> tuple[int, int]:
        return self._embedding.prepared.num_atoms, 3


def differs_beyond_rotors(mol: Chem.Mol) -> bool:
    """Whether embeddings differ in more than turns about single bonds: in puckered rings, or in stereo that is open."""
    info = mol.GetRingInfo()
    for ring in info.AtomRings():
        bent = [mol.GetAtomWithIdx(i).GetHybridization() == Chem.HybridizationType.SP3 for i in ring]
        if len(ring) > 4 and sum(bent) > 1:
            return True
    return any(found.specified == Chem.StereoSpecified.Unspecified for found in Chem.FindPotentialStereo(mol))
