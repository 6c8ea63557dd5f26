"""Distance geometry for one molecule: with all its atoms, or with heavy atoms alone and hydrogens put on afterwards."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.errors import ForceFieldError
from molediff.molecules.generation.clock import Clock
from molediff.molecules.generation.grafting import Graft
from molediff.molecules.graph.inputs import PreparedMolecule, sample_generator

_SECONDS_EACH = 20  # an embedding that takes longer seldom ends
# What shows soon that an isomer can be: of 1,386 molecules and parts of theirs all but one take fewer than 40 tries of
# RDKit for an embedding in the mean. One that cannot be takes up to 40 ms for each, and an embedding makes hundreds.
_EMBEDDINGS, _ITERATIONS = 8, 40
_SECONDS_HELD = 5  # and one for each conformer: embeddings around many held atoms may never end
_TRIES_OF_HANDS = 4  # embeddings for one in which held atoms lie as they should, and not as in a mirror
_EVALUATIONS, _UFF_STEPS = 30, 200  # take as long as an embedding with all atoms


class Embedding:
    """ETKDGv3 for one molecule, or ETDG where that gives nothing, with seeds of its own for each purpose.

    Args:
        prepared: the molecule.
        seed: of all.
        clock: of the molecule, whose time bounds that of the embeddings. None: any time.
        graft: of atoms that are held, or None. Where these close rings, embeddings of the whole have their distances.
    """

    def __init__(
        self,
        prepared: PreparedMolecule,
        seed: int,
        clock: Clock | None = None,
        graft: Graft | None = None,
    ):
        self.prepared, self._seed, self._clock = prepared, seed, clock or Clock()
        self.graft = graft
        self._has_distances = graft is not None and graft.is_closed
        self._is_possible: bool | None = None  # whether embeddings come out; None: not known yet
        self._by_etdg = False  # whether ETDG takes the place of ETKDGv3
        # Of the first embeddings. Only rings make isomers that cannot be; long chains need hundreds of tries.
        self._num_tries = _ITERATIONS if _has_marks_in_rings(prepared.mol) else 0

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
        graft, mol = self.graft, self.prepared.mol
        if graft is None or not graft.is_closed:
            return self._embedded(Chem.Mol(mol), num, seed)
        # Distances alone, which an embedding has of held atoms, do not tell how these lie from their mirror image.
        is_chiral = any(a.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED for a in mol.GetAtoms())
        x = self._embedded(Chem.Mol(mol), num, seed)
        mirrored = graft.is_mirrored(x)
        if not is_chiral:
            return np.where(mirrored[:, None, None], -x, x)
        for number in range(1, _TRIES_OF_HANDS):
            rows = np.flatnonzero(mirrored)
            if not len(rows):
                return x
            x[rows] = self._embedded(Chem.Mol(mol), len(rows), seed + 10_000 * number)
            mirrored[rows] = graft.is_mirrored(x[rows])
        x[mirrored] = np.nan
        return x

    def embed_heavy(self, num: int, seed: int) -> np.ndarray:
        """The same by heavy atoms alone, whose hydrogens are put where they belong: a quarter of the time and less.

        How hydroxyl and methyl groups are turned is arbitrary then.
        """
        return self.embed_fragment(self.prepared.mol, num, seed)

    def embed_fragment(self, mol: Chem.Mol, num: int, seed: int, plain: bool = False) -> np.ndarray:
        """The same of a part of the molecule, cut out with explicit hydrogens: shape (num, its atoms, 3).

        Args:
            mol: the part.
            num, seed: see `embed`.
            plain: by ETDG, which knows of torsions alone; what ought to be flat is not quite.
        """
        skeleton = Skeleton.of(mol)
        return skeleton.with_hydrogens(self._embedded(Chem.Mol(skeleton.mol), num, seed, plain))

    def _embedded(self, mol: Chem.Mol, num: int, seed: int, plain: bool = False) -> np.ndarray:
        x = np.full((num, mol.GetNumAtoms(), 3), np.nan)
        if self._is_possible is None:
            # Of most molecules all come out at once, and are the ones asked for.
            first = num if self._has_time and (num <= _EMBEDDINGS or not self._num_tries) else 1
            begun = self._made(mol, first, seed, plain, self._num_tries)
            if first == num and np.isfinite(begun).any():
                x = begun
                if not self._num_tries:
                    self._is_possible = True
                    return x
            self._is_possible = bool(np.isfinite(begun).any()) or self._is_found(mol, first, seed, plain)
        if not self._is_possible:
            return x
        plain = plain or self._by_etdg
        if self._has_time and np.isnan(x).all():
            return self._made(mol, num, seed, plain)
        # One by one, as RDKit gives none of those that are done when time is up; by these seeds they are the same.
        for number in np.flatnonzero(np.isnan(x).any(axis=(1, 2))).tolist():
            if self._clock.is_up:
                break
            x[number] = self._made(mol, 1, (number + 1) * seed, plain)[0]
        return x

    def _is_found(self, mol: Chem.Mol, num_tried: int, seed: int, plain: bool) -> bool:
        """Whether other embeddings find a structure; if only those of ETDG do, it takes their place."""
        few = self._num_tries
        others = [(number, plain, few) for number in range(num_tried + 1, _EMBEDDINGS + 1)] if few else []
        # Of a ring on long chains even those that go on to their end may not come out.
        num_whole = 1 if _share_in_rings(mol) > 0.5 else 6
        to_the_end = [(number, plain, 0) for number in range(1, num_whole + 1)] if few else []
        # Some molecules are not as the knowledge of ETKDGv3 has it.
        for number, by_etdg, num_tries in [*others, (1, True, few), *to_the_end]:
            if self._clock.is_up:
                break
            if np.isfinite(self._made(mol, 1, number * seed, by_etdg, num_tries)).all():
                self._by_etdg = by_etdg and not plain
                return True
        return False

    def _made(self, mol: Chem.Mol, num: int, seed: int, plain: bool, num_tries: int = 0) -> np.ndarray:
        if self._has_distances and mol.GetNumAtoms() == self.prepared.num_atoms:
            assert self.graft is not None
            seconds = min(self._clock.left, _SECONDS_HELD + num)
            held = _parameters(num, seed, seconds, plain, num_tries)
            held.SetCoordMap(self.graft.coordinates)  # type: ignore[call-arg, arg-type]  # the stubs are wrong
            x = _embedded(mol, num, held)
            if np.isfinite(x).any():
                return x
            # They lie as distance geometry has them nowhere: grafting bends to them what is free.
            self._has_distances = False
        return _embedded(mol, num, _parameters(num, seed, self._clock.left, plain, num_tries))

    @property
    def _has_time(self) -> bool:
        return self._clock.left == math.inf

    def relaxed(self, x: np.ndarray) -> np.ndarray:
        """A structure (N, 3) after some steps of MMFF94s, or of UFF if that does not describe the molecule."""
        mol, held = self.prepared.mol, list[int]()
        if not np.isfinite(x).all():
            return x
        if self.graft is not None:
            x, held = self.graft.onto(x[None])[0], self.graft.held
        with rdBase.BlockLogs():
            try:
                return MMFF(mol, amended=True, held=held).lowered(x[None], _EVALUATIONS)[0][0]
            except ForceFieldError:
                if not rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
                    return x
            mol = with_conformers(mol, [x])
            rdForceFieldHelpers.UFFOptimizeMolecule(mol, maxIters=_UFF_STEPS)
        return np.asarray(mol.GetConformer().GetPositions())


class Skeleton:
    """The atoms of a molecule that decide its shape, on which the other hydrogens are put.

    Those are the heavy ones and the hydrogens of stereocentres and of saturated atoms where rings meet: without them
    such an atom comes out flat, or its hydrogen among its neighbours.

    Attributes:
        mol: these atoms.
    """

    def __init__(self, mol: Chem.Mol, order: np.ndarray):
        self.mol, self._order = mol, order

    @classmethod
    def of(cls, mol: Chem.Mol) -> Skeleton:
        """That of a molecule with explicit hydrogens."""
        left_out = [atom.GetIdx() for atom in mol.GetAtoms() if _is_left_out(mol, atom)]
        kept = np.setdiff1d(np.arange(mol.GetNumAtoms()), left_out).tolist()
        bare, hydrogens = Chem.RWMol(mol), {place: list[int]() for place in kept}
        for place in left_out:
            carrier = bare.GetAtomWithIdx(place).GetNeighbors()[0]
            hydrogens[carrier.GetIdx()].append(place)
            carrier.SetNoImplicit(True)
            carrier.SetNumExplicitHs(carrier.GetNumExplicitHs() + 1)
        bare.BeginBatchEdit()
        for place in left_out:
            bare.RemoveAtom(place)
        bare.CommitBatchEdit()
        Chem.SanitizeMol(bare)
        order, filled = list(kept), Chem.AddHs(bare)
        for place in range(len(kept), filled.GetNumAtoms()):
            [carrier] = filled.GetAtomWithIdx(place).GetNeighbors()
            order.append(hydrogens[kept[carrier.GetIdx()]].pop(0))
        return cls(bare.GetMol(), np.array(order))

    def with_hydrogens(self, x: np.ndarray) -> np.ndarray:
        """Points (n, N, 3) of all atoms, in the order of the molecule, for those (n, H, 3) of the atoms kept."""
        mol = Chem.Mol(self.mol)
        mol.RemoveAllConformers()
        good = np.flatnonzero(np.isfinite(x).all(axis=(1, 2)))
        for one in good:
            conformer = Chem.Conformer(mol.GetNumAtoms())
            conformer.SetPositions(np.ascontiguousarray(x[one], dtype=np.float64))
            mol.AddConformer(conformer, assignId=True)
        filled = np.full((len(x), len(self._order), 3), np.nan)
        mol = Chem.AddHs(mol, addCoords=True)
        for place, one in enumerate(good):
            filled[one, self._order] = mol.GetConformer(place).GetPositions()
        return filled


def _is_left_out(mol: Chem.Mol, atom: Chem.Atom) -> bool:
    """Whether an atom is a hydrogen whose place follows from those of its carrier's other neighbours."""
    if atom.GetAtomicNum() != 1 or atom.GetDegree() != 1 or atom.GetIsotope():
        return False
    carrier = atom.GetNeighbors()[0]
    if carrier.GetAtomicNum() == 1:
        return False
    if any(atom.GetIdx() in bond.GetStereoAtoms() for bond in carrier.GetBonds()):
        return False  # of an imine
    meet = carrier.GetHybridization() == Chem.HybridizationType.SP3 and (
        mol.GetRingInfo().NumAtomRings(carrier.GetIdx()) > 1
    )
    return carrier.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED and not meet


def _share_in_rings(mol: Chem.Mol) -> float:
    """Of the heavy atoms."""
    heavy = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1]
    return sum(atom.IsInRing() for atom in heavy) / max(1, len(heavy))


def _has_marks_in_rings(mol: Chem.Mol) -> bool:
    """Whether marks of two centres or of a double bond in rings ask for an isomer that there may not be."""
    rings = mol.GetRingInfo()
    centres = [a.GetIdx() for a in mol.GetAtoms() if a.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED]
    bonds = [b.GetIdx() for b in mol.GetBonds() if b.GetStereo() != Chem.BondStereo.STEREONONE]
    return sum(map(rings.NumAtomRings, centres)) > 1 or any(map(rings.NumBondRings, bonds))


def _parameters(
    num: int, seed: int, seconds: float = math.inf, plain: bool = False, iterations: int = 0
) -> rdDistGeom.EmbedParameters:
    parameters = rdDistGeom.ETDG() if plain else rdDistGeom.ETKDGv3()
    parameters.maxIterations = iterations  # type: ignore[assignment]  # 0 stands for ten times the atoms
    parameters.randomSeed = seed  # type: ignore[assignment]  # the stubs give it another type
    # That of a whole call, in whole seconds; 0 would be no bound.
    parameters.timeout = max(1, math.ceil(min(_SECONDS_EACH * num, seconds)))  # type: ignore[assignment]
    return parameters


def _embedded(mol: Chem.Mol, num: int, parameters: rdDistGeom.EmbedParameters) -> np.ndarray:
    x = np.full((num, mol.GetNumAtoms(), 3), np.nan)
    with rdBase.BlockLogs(), _interrupts_wait(), suppress(RuntimeError):  # of a line search that lost its way
        for conformer_id in rdDistGeom.EmbedMultipleConfs(mol, num, parameters):
            if conformer_id >= 0:  # -1 stands for all of them after a timeout
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
