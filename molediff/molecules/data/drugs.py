"""Drug-like molecules to train and to validate on."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from torch.utils.data import DataLoader

from molediff.molecules.data.datamodule import ConformerDataModule, _Conformers
from molediff.molecules.data.dataset import ConformerDataset, first_mols, one_each
from molediff.molecules.data.drawn_starts import DrawnStarts
from molediff.molecules.data.minima import load_minima
from molediff.molecules.data.similar_sizes import SimilarSizes
from molediff.molecules.data.twists import TwistedMinima
from molediff.molecules.graph.vocabulary import ORGANIC

_VALIDATION_OF_THOUSAND = 30
_SMALL = 10  # heavy atoms


class DrugsDataModule(ConformerDataModule):
    """Minima of drug-like molecules, in batches of similar sizes.

    Args:
        train: minima to train on.
        val: minima of held-out molecules.
        most_pairs: bound of a batch (`SimilarSizes`).
        num_workers: processes that prepare batches.
        seed: of the order of the batches.
    """

    def __init__(
        self,
        train: ConformerDataset,
        val: ConformerDataset,
        most_pairs: int,
        num_reference: int = 0,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        split = f"hash of the constitution, {_VALIDATION_OF_THOUSAND} of 1000 held out"
        reference = first_mols(one_each(val), num_reference)
        super().__init__(train, val, reference, 1, num_workers, seed, split)
        self.most_pairs = most_pairs

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        sizes = num_heavy_and_hydrogens(self.train)
        return self.training_loader(
            _Conformers(self.train), SimilarSizes(*sizes, self.most_pairs, self.seed, self.start)
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of the held-out molecules, always the same."""
        sizes = num_heavy_and_hydrogens(self.val)
        return self.loader(_Conformers(self.val), SimilarSizes(*sizes, 2 * self.most_pairs, endless=False))


def num_heavy_and_hydrogens(conformers: ConformerDataset) -> tuple[np.ndarray, np.ndarray]:
    """Number of heavy atoms and of hydrogens of each conformer, two arrays of shape (n,)."""
    packed = conformers.packed
    is_hydrogen = packed.node_codes[:, 0] == conformers.vocabulary.element_code[1]
    before = np.concatenate([[0], np.cumsum(is_hydrogen)])
    of_molecule = before[packed.atom_start[1:]] - before[packed.atom_start[:-1]]
    hydrogens = of_molecule[packed.molecule[conformers.conformers]]
    return conformers.num_atoms - hydrogens, hydrogens


def is_held_out(smiles: str) -> bool:
    """Whether a molecule is for validation: by a hash of its constitution, so that stereoisomers stay together."""
    with rdBase.BlockLogs():
        constitution = Chem.CanonSmiles(smiles, useChiral=0)
    number = int.from_bytes(hashlib.sha256(constitution.encode()).digest()[:8], "big") % 1000
    return number < _VALIDATION_OF_THOUSAND


def split_minima(minima: ConformerDataset) -> tuple[ConformerDataset, ConformerDataset]:
    """Training minima, and those of held-out molecules."""
    held_out = np.array([is_held_out(smiles) for smiles in minima.packed.smiles_list()], dtype=bool)
    held_out = held_out[minima.packed.molecule[minima.conformers]]
    return minima.subset(np.flatnonzero(~held_out)), minima.subset(np.flatnonzero(held_out))


def drugs_datamodule(
    path: str,
    cache: str | None = None,
    most_pairs: int = 8000,
    num_reference: int = 0,
    num_workers: int = 0,
    seed: int = 0,
    num_starts: int = 0,
    small_repeats: int = 1,
    starts: str | None = None,
) -> DrugsDataModule:
    """Minima packed by scripts/pack_minima.py; see `load_minima` for path and cache.

    Molecules of at most 10 heavy atoms, which share large batches and would be in few of them, come `small_repeats`
    times a pass.

    With `num_starts` above 0 the training batches have as many structures beside each minimum (`TwistedMinima`). With
    `starts`, a file of scripts/draw_starts.py, they have molecules and structures of that, and no minima.

    Raises:
        ValueError: nothing is left to train or to validate on.
    """
    train, val = split_minima(load_minima(path, cache))
    if not len(train) or not len(val):
        raise ValueError(
            f"{path} gives {len(train)} minima to train on and {len(val)} to validate on: both must be at least one, "
            "pack more molecules."
        )
    if starts is not None:
        drawn = DrawnStarts(load_minima(starts).packed, ORGANIC, num_starts, seed)
        return DrugsDataModule(drawn, val, most_pairs, num_reference, num_workers, seed)
    if small_repeats > 1:
        num_heavy, _ = num_heavy_and_hydrogens(train)
        small = np.flatnonzero(num_heavy <= _SMALL)
        train = train.subset(np.concatenate([np.arange(len(train)), np.tile(small, small_repeats - 1)]))
    if num_starts:
        train = TwistedMinima(train.packed, train.conformers, train.vocabulary, num_starts, seed)
    return DrugsDataModule(train, val, most_pairs, num_reference, num_workers, seed)
