"""What a molecule's torsions are likely to be, and structures with torsions drawn from that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from molediff.molecules.graph.graph import MolecularGraph
from molediff.molecules.heat_bath import HeatBath
from molediff.molecules.rotors import BETWEEN_HEAVY, Rotors
from molediff.networks.graph import GraphBatch
from molediff.networks.pretrained import load_torsion_prior
from molediff.networks.torsion_batch import BIN_WIDTH, CRYSTAL, MINIMUM, NUM_BINS, TorsionBatch
from molediff.networks.torsion_couplings import Couplings
from molediff.networks.torsion_prior import TorsionLogits, TorsionPrior

# Pairs four bonds and more apart that are nearer than this share of their van der Waals distance are in each other's
# way: hydrogen bonds, at 0.72 for H...O, are a little.
_NEAREST = 0.75
_FAR_APART = 4
_ENTRIES = 250_000  # of matrices of distances at once, which a cache holds
# What was measured was spread by 4 degrees before it was learned. Of temperatures 0.8, 1 and 1.25 this one gave the
# nearest conformers to crystals of held-out molecules.
_TEMPERATURE = 0.8
_SWEEPS = 3  # of a heat bath, which begins near its end: where each torsion has its own law already


@dataclass(frozen=True)
class TorsionDistribution:
    """The law of the R torsions between heavy atoms of a molecule, which depends on the hands of their ends.

    Attributes:
        rotors: the rotatable bonds.
        logits: of the bins of their torsions, and what couples them, if anything.
        still: positions of those that are not turned; the others, where they are coupled to them, know how they are.
    """

    rotors: Rotors
    logits: TorsionLogits
    still: tuple[int, ...] = ()

    def probabilities(self, hands: np.ndarray) -> np.ndarray:
        """Probabilities of the bins of each torsion by itself, shape (..., R, NUM_BINS); hands (..., R, 2)."""
        logits = self.logits.of_hands(torch.from_numpy(hands).float())
        return (logits / _TEMPERATURE).softmax(-1).double().numpy()

    def draw(self, random: np.random.Generator, x: np.ndarray) -> np.ndarray:
        """Torsions in degrees, shape (n, R), for structures x (n, N, 3): of the bins by probability, evenly within.

        Coupled ones are drawn by themselves at first, and then by a few sweeps of a heat bath.
        """
        hands, still = self.rotors.hands(x), list(self.still)
        below = self.probabilities(hands).cumsum(-1)
        places = random.random((*below.shape[:2], 1)) * below[..., -1:]
        bins = (places > below).sum(-1).clip(max=NUM_BINS - 1)
        angles = self.rotors.angles(x) if still else None
        if angles is not None:
            found = ((angles[:, still] + 180) / BIN_WIDTH).astype(np.int64)
            bins[:, still] = found.clip(0, NUM_BINS - 1)
        couplings = self.logits.couplings
        if couplings is not None and len(couplings.pairs.first) and len(x):
            bath = self._heat_bath(couplings, torch.from_numpy(hands).float())
            for _ in range(_SWEEPS):
                bath.sweep(bins, random, self.still)
        degrees = -180 + BIN_WIDTH * (bins + random.random(bins.shape))
        if angles is not None:
            degrees[:, still] = angles[:, still]
        return degrees

    def _heat_bath(self, couplings: Couplings, hands: Tensor) -> HeatBath:
        """Of structures with these hands (n, R, 2)."""
        fields = self.logits.among_others().of_hands(hands) / _TEMPERATURE
        ends = couplings.pairs.hands(torch.arange(hands[0].numel()).view(-1, 2))
        along = hands.flatten(1)[:, ends]
        parts, shares = [[table] for table in self._even_tables], [[np.ones(len(hands))] for _ in ends]
        for end in range(ends.shape[1]):
            handed = along[:, :, end].any(0).nonzero()[:, 0]
            tables = (couplings.odd_tables(end, handed) / _TEMPERATURE).numpy()
            for pair, table in zip(handed.tolist(), tables, strict=True):
                parts[pair].append(table)
                shares[pair].append(along[:, pair, end].numpy())
        pairs = zip(couplings.pairs.first.tolist(), couplings.pairs.second.tolist(), strict=True)
        return HeatBath(fields.numpy(), list(pairs), parts, shares)

    @cached_property
    def _even_tables(self) -> np.ndarray:
        assert self.logits.couplings is not None
        return (self.logits.couplings.even_tables() / _TEMPERATURE).numpy()


@torch.inference_mode()
def torsion_distribution(
    prior: TorsionPrior, mol: Chem.Mol, graph: MolecularGraph, source: int, coupled: bool = True
) -> TorsionDistribution:
    """The distribution that a prior gives.

    Args:
        prior: the network.
        mol: explicit hydrogens.
        graph: of `mol`, in the vocabulary of the network.
        source: `CRYSTAL` or `MINIMUM`.
        coupled: whether torsions near each other are to be, by a prior that can tell.
    """
    rotors = Rotors.of(mol)
    rotors = rotors.subset(rotors.kind == BETWEEN_HEAVY)
    if not len(rotors):
        nothing = torch.zeros(0, NUM_BINS // 2)
        return TorsionDistribution(rotors, TorsionLogits(nothing, nothing.unsqueeze(1).expand(-1, 2, -1)))
    return TorsionDistribution(rotors, prior(torsion_batch(rotors, mol, graph, source), coupled))


def torsion_batch(rotors: Rotors, mol: Chem.Mol, graph: MolecularGraph, source: int) -> TorsionBatch:
    """What a prior is asked: torsions between heavy atoms of one conformer of a molecule.

    Args:
        rotors: bonds between heavy atoms.
        mol, graph, source: see `torsion_distribution`.
    """
    heavy = torch.tensor([atom.GetAtomicNum() > 1 for atom in mol.GetAtoms()])
    num_atoms, places = len(heavy), (heavy.cumsum(0) - 1).numpy()
    pair_codes = graph.pair_codes.view(num_atoms, num_atoms, -1)[heavy][:, heavy]
    atoms = GraphBatch(
        node_codes=graph.node_codes[heavy].unsqueeze(0),
        pair_codes=pair_codes.unsqueeze(0),
        mask=torch.ones(1, int(heavy.sum()), dtype=torch.bool),
        chiral_index=torch.zeros(0, 4, dtype=torch.int64),
        chiral_sign=torch.zeros(0),
    )
    return TorsionBatch(
        atoms,
        torch.zeros(len(rotors), dtype=torch.int64),
        torch.from_numpy(places[rotors.torsions]),
        torch.from_numpy(np.where(rotors.seconds >= 0, places[rotors.seconds], -1)),
        torch.full((len(rotors),), source, dtype=torch.int64),
        torch.zeros(len(rotors), dtype=torch.int64),
    )


SOURCES = {"crystal": CRYSTAL, "minima": MINIMUM}
"""Whose torsions: those of crystals, or of minima in vacuum."""
# In vacuum energies choose among what is drawn, and find the same neighbours; what is coupled comes in less variety.
_COUPLED = ("crystal",)
_WEIGHTS = "drugs_torsions"


@cache
def _shipped() -> TorsionPrior:
    return load_torsion_prior(_WEIGHTS).eval().requires_grad_(False)


def shipped_distribution(mol: Chem.Mol, graph: MolecularGraph, source: str) -> TorsionDistribution:
    """`torsion_distribution` by the prior that ships with the package, for one of `SOURCES`, as it is drawn from."""
    return torsion_distribution(_shipped(), mol, graph, SOURCES[source], source in _COUPLED)


class Clashes:
    """How much atoms of a molecule are in each other's way, from their van der Waals radii.

    Args:
        mol: explicit hydrogens.
    """

    def __init__(self, mol: Chem.Mol):
        table = Chem.GetPeriodicTable()
        radii = np.array([table.GetRvdw(atom.GetAtomicNum()) for atom in mol.GetAtoms()])
        apart = np.triu(Chem.GetDistanceMatrix(mol) >= _FAR_APART)
        self._limit = np.where(apart, _NEAREST * (radii[:, None] + radii), -1.0)
        self._limit_squared = np.where(apart, self._limit**2, -1.0).astype(np.float32)

    def penalty(self, x: np.ndarray) -> np.ndarray:
        """Sum of squares of what is missing to the least distances in Angstrom^2, shape (n,); x: (n, N, 3)."""
        found = np.zeros(len(x))
        step = max(1, _ENTRIES // x.shape[1] ** 2)
        for start in range(0, len(x), step):
            part = slice(start, start + step)
            found[part] = self._of_few(x[part])
        return found

    def _of_few(self, x: np.ndarray) -> np.ndarray:
        y = (x - x.mean(axis=1, keepdims=True)).astype(np.float32)
        squares, ones = (y**2).sum(-1, keepdims=True), np.ones((*y.shape[:2], 1), np.float32)
        left, right = np.concatenate([-2 * y, squares, ones], -1), np.concatenate([y, ones, squares], -1)
        squared = left @ right.transpose(0, 2, 1)  # of all distances at once
        structure, i, j = np.nonzero(squared < self._limit_squared)
        lacking = self._limit[i, j] - np.sqrt(squared[structure, i, j].clip(min=0))
        return np.bincount(structure, lacking**2, minlength=len(x))
