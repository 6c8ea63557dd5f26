"""Torsions in batches of molecules of similar size, for the training of a prior."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor
from torch.utils.data import DataLoader

from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.drugs import is_held_out
from molediff.molecules.data.packing import PackedConformers, PackedRecord, pack
from molediff.molecules.data.similar_sizes import SimilarSizes
from molediff.molecules.data.torsions import Torsions
from molediff.molecules.graph.features import Features, featurize
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.networks.torsion_batch import TorsionBatch
from molediff.runtime.cache import StaleCacheError, read_cache, write_cache
from molediff.runtime.progress import tqdm
from molediff.training.batches import ResumableDataModule

_CACHE_VERSION = 1


class TorsionDataset:
    """Molecules and the torsions measured in them.

    Args:
        graphs: heavy atoms of the molecules, one "conformer" each.
        torsions: rows of molecules of `graphs`.
        molecules: which of the molecules.
    """

    def __init__(self, graphs: ConformerDataset, torsions: Torsions, molecules: np.ndarray) -> None:
        self.graphs, self.torsions, self.molecules = graphs, torsions, molecules
        self._order = np.argsort(torsions.molecule, kind="stable")
        self._start = np.searchsorted(torsions.molecule[self._order], np.arange(len(graphs) + 1))
        self._conformers = torsions.conformers()

    def __len__(self) -> int:
        return len(self.molecules)

    @property
    def num_atoms(self) -> np.ndarray:
        """Heavy atoms of each molecule."""
        return self.graphs.num_atoms[self.molecules]

    def batch(self, indices: Any) -> tuple[Tensor, TorsionBatch, None]:
        """Degrees and hands (T, 3) of the torsions of the molecules `indices`, and the torsions."""
        molecules = self.molecules[np.asarray(indices)]
        rows = [self._order[self._start[m] : self._start[m + 1]] for m in molecules]
        chosen = np.concatenate(rows)
        torsions = TorsionBatch(
            graph=self.graphs.batch(molecules),
            molecule=torch.from_numpy(np.repeat(np.arange(len(rows)), [len(row) for row in rows])),
            atoms=torch.from_numpy(self.torsions.atoms[chosen].astype(np.int64)),
            seconds=torch.from_numpy(self.torsions.seconds[chosen].astype(np.int64)),
            source=torch.from_numpy(self.torsions.source[chosen].astype(np.int64)),
            conformer=torch.from_numpy(
                np.cumsum(np.diff(self._conformers[chosen], prepend=self._conformers[chosen[:1]]) != 0)
            ),
        )
        measured = np.column_stack([self.torsions.degrees[chosen], self.torsions.hands[chosen]])
        return torch.from_numpy(measured.astype(np.float32)), torsions, None


class TorsionDataModule(ResumableDataModule):
    """Torsions to train and to validate on.

    Args:
        train, val: the molecules.
        most_pairs: pairs of atoms of a batch.
        num_workers: processes that prepare batches.
        seed: of the order.
    """

    def __init__(
        self, train: TorsionDataset, val: TorsionDataset, most_pairs: int, num_workers: int = 0, seed: int = 0
    ) -> None:
        super().__init__(1, num_workers, seed)
        self.train, self.val, self.most_pairs = train, val, most_pairs
        self.split = "hash of the constitution, 30 of 1000 held out"

    def scale(self) -> float:
        """None is needed: torsions are angles."""
        return 1.0

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        sizes = self.train.num_atoms
        return self.loader(
            self.train,  # type: ignore[arg-type]  # its condition is a list of torsions, which nobody repeats
            SimilarSizes(sizes, np.zeros_like(sizes), self.most_pairs, self.seed, self.start),
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of the held-out molecules, always the same."""
        sizes = self.val.num_atoms
        return self.loader(
            self.val,  # type: ignore[arg-type]
            SimilarSizes(sizes, np.zeros_like(sizes), self.most_pairs, endless=False),
        )


def torsion_datamodule(
    path: str, cache: str | None = None, most_pairs: int = 60_000, num_workers: int = 0, seed: int = 0
) -> TorsionDataModule:
    """Torsions measured by scripts/pack_torsions.py.

    Args:
        path: the file.
        cache: where the features of the molecules are kept between runs; None: beside the file.
        most_pairs, num_workers, seed: see `TorsionDataModule`.
    """
    torsions = Torsions.read(path)
    graphs = _graphs(torsions, Path(path), None if cache is None else Path(cache))
    held_out = np.array([is_held_out(smiles) for smiles in torsions.smiles_list()])
    train, val = (
        TorsionDataset(graphs, torsions, np.flatnonzero(chosen)) for chosen in (~held_out, held_out)
    )
    return TorsionDataModule(train, val, most_pairs, num_workers, seed)


def held_out_torsions(path: str) -> TorsionDataset:
    """Those of a file that training does not see, without a cache.

    Args:
        path: a file of scripts/pack_torsions.py.
    """
    torsions = Torsions.read(path)
    held_out = np.array([is_held_out(smiles) for smiles in torsions.smiles_list()], dtype=bool)
    torsions = torsions.of_molecules(np.flatnonzero(held_out))
    graphs = ConformerDataset(PackedConformers(**_arrays(torsions.smiles_list())), vocabulary=ORGANIC)
    return TorsionDataset(graphs, torsions, np.arange(len(graphs)))


def _graphs(torsions: Torsions, path: Path, cache: Path | None) -> ConformerDataset:
    cache = path.with_suffix(".features.safetensors") if cache is None else cache
    key = {"version": _CACHE_VERSION, "size": path.stat().st_size}
    try:
        arrays = read_cache(cache, key)
    except StaleCacheError:
        arrays = _arrays(torsions.smiles_list())
        write_cache(cache, arrays, key)
    return ConformerDataset(PackedConformers(**arrays), vocabulary=ORGANIC)


def _arrays(smiles: list[str]) -> dict[str, np.ndarray]:
    records = (
        PackedRecord(f"{row}", features, np.zeros((len(features.node_codes), 3), np.float32))
        for row, features in enumerate(map(heavy_features, tqdm(smiles, unit=" molecules")))
    )
    return pack(records).arrays()


def heavy_features(smiles: str) -> Features:
    """What a network is told of the heavy atoms of a molecule, in the order of its SMILES."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    return without_hydrogens(mol, featurize(mol, ORGANIC))


def without_hydrogens(mol: Chem.Mol, features: Features) -> Features:
    """The features of the heavy atoms of `mol` alone; hands are left out."""
    heavy = np.array([atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1])
    return features._replace(
        node_codes=features.node_codes[heavy],
        pair_words=features.pair_words[np.ix_(heavy, heavy)],
        chiral_index=features.chiral_index[:, :0],
        chiral_sign=features.chiral_sign[:0],
    )
