"""A data set of conformers that makes batches fast, and a sampler that puts equal sizes together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from rdkit import Chem
from torch.utils.data import Dataset

from molediff.molecules.conformers import with_conformers
from molediff.molecules.data.packing import PackedConformers
from molediff.molecules.graph.features import Features
from molediff.molecules.graph.graph import MolecularGraph, features_to_graph
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.networks.graph import GraphBatch


class ConformerDataset(Dataset[MolecularGraph]):
    """Conformers with their molecular graphs, atoms in the order of `Chem.AddHs(Chem.MolFromSmiles(smiles))`.

    Args:
        packed: the arrays; several data sets may share them.
        conformers: which of the packed conformers, in which order; all by default.
        vocabulary: what the packed codes mean.

    Attributes:
        packed: the arrays.
        conformers: positions in the packed arrays, int64, shape (n,).
        num_atoms: number of atoms of each conformer, int64, shape (n,).

    Example:
        >>> from rdkit.Chem import AllChem
        >>> from molediff.molecules.data.packing import PackedRecord, pack
        >>> from molediff.molecules.graph.features import featurize
        >>> mol = Chem.AddHs(Chem.MolFromSmiles("CO"))
        >>> AllChem.EmbedMolecule(mol, randomSeed=1)
        0
        >>> record = PackedRecord("CO", featurize(mol), mol.GetConformer().GetPositions())
        >>> dataset = ConformerDataset(pack([record, record]))
        >>> dataset.batch([0, 1]).positions.shape
        torch.Size([2, 6, 3])
    """

    def __init__(
        self,
        packed: PackedConformers,
        conformers: Sequence[int] | np.ndarray | None = None,
        vocabulary: Vocabulary = QM9,
    ) -> None:
        self.packed = packed
        self.vocabulary = vocabulary
        self._pair_table = torch.from_numpy(vocabulary.pair_table)
        chosen = np.arange(packed.num_conformers) if conformers is None else np.asarray(conformers)
        self.conformers = chosen.astype(np.int64)
        self._molecule = packed.molecule[self.conformers]
        self.num_atoms = np.diff(packed.atom_start)[self._molecule]
        self._smiles: list[str] | None = None

    def __len__(self) -> int:
        return len(self.conformers)

    def smiles(self, index: int) -> str:
        """Canonical isomeric SMILES of conformer `index`."""
        if self._smiles is None:
            self._smiles = self.packed.smiles_list()
        return self._smiles[self._molecule[index]]

    def positions(self, index: int) -> np.ndarray:
        """Coordinates of conformer `index` in Angstrom, float32, shape (N, 3)."""
        start, end = self.packed.position_start[self.conformers[index] + np.array([0, 1])]
        return self.packed.positions[start:end]

    def mol(self, index: int) -> Chem.Mol:
        """Conformer `index` as an RDKit molecule with explicit hydrogens."""
        mol = Chem.AddHs(Chem.MolFromSmiles(self.smiles(index)))
        return with_conformers(mol, [self.positions(index)])

    def subset(self, indices: Sequence[int] | np.ndarray) -> ConformerDataset:
        """The conformers `indices`, in that order, sharing the arrays."""
        chosen = self.conformers[np.asarray(indices, dtype=np.int64)]
        return ConformerDataset(self.packed, chosen, self.vocabulary)

    def __getitem__(self, index: int) -> MolecularGraph:
        packed, molecule = self.packed, self._molecule[index]
        size = self.num_atoms[index]
        atoms, pairs, chiral = (
            slice(start[molecule], start[molecule + 1])
            for start in (packed.atom_start, packed.pair_start, packed.chiral_start)
        )
        features = Features(
            node_codes=packed.node_codes[atoms],
            pair_words=packed.pair_words[pairs].reshape(size, size),
            chiral_index=packed.chiral_index[:, chiral],
            chiral_sign=packed.chiral_sign[chiral],
            vocabulary=self.vocabulary,
        )
        return features_to_graph(features, self.positions(index), self.smiles(index))

    def batch(self, indices: Sequence[int] | np.ndarray) -> GraphBatch:
        """The conformers `indices` as one batch, padded to the largest of them; sizes may differ."""
        packed, indices = self.packed, np.asarray(indices, dtype=np.int64)
        molecule, sizes = self._molecule[indices], self.num_atoms[indices]
        width = int(sizes.max())
        columns = np.arange(width)
        mask = columns < sizes[:, None]
        # Rows beyond a molecule's end are read from its first atom and blanked.
        local = columns * mask
        node_codes = packed.node_codes[packed.atom_start[molecule][:, None] + local]
        positions = packed.positions[packed.position_start[self.conformers[indices]][:, None] + local]
        pairs = local[:, :, None] * sizes[:, None, None] + local[:, None, :]
        words = packed.pair_words[packed.pair_start[molecule][:, None, None] + pairs].astype(np.int64)
        if not mask.all():
            node_codes = node_codes * mask[..., None]
            positions = positions * mask[..., None]
            words *= mask[:, :, None] & mask[:, None, :]
        pair_codes = self._pair_table.index_select(0, torch.from_numpy(words.reshape(-1)))
        chiral_index, chiral_sign = self._chiral(molecule, width)
        return GraphBatch(
            node_codes=torch.from_numpy(node_codes.astype(np.int64)),
            pair_codes=pair_codes.view(len(indices), width, width, -1),
            mask=torch.from_numpy(mask),
            chiral_index=torch.from_numpy(chiral_index),
            chiral_sign=torch.from_numpy(chiral_sign),
            positions=torch.from_numpy(positions.astype(np.float32, copy=False)),
        )

    def _chiral(self, molecule: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Chiral triples of a batch, shape (T, 4) into its flattened atoms, and their signs."""
        starts, ends = self.packed.chiral_start[molecule], self.packed.chiral_start[molecule + 1]
        counts = ends - starts
        graph = np.repeat(np.arange(len(molecule)), counts)
        columns = np.arange(counts.sum()) + np.repeat(starts - np.cumsum(counts) + counts, counts)
        index = self.packed.chiral_index[:, columns].T.astype(np.int64) + graph[:, None] * width
        return index, self.packed.chiral_sign[columns].astype(np.float32)


def one_each(conformers: ConformerDataset) -> ConformerDataset:
    """The first conformer of each molecule."""
    _, first = np.unique(conformers.packed.molecule[conformers.conformers], return_index=True)
    return conformers.subset(np.sort(first))


def first_mols(conformers: ConformerDataset, num: int) -> list[Chem.Mol]:
    """The first `num` molecules, each with its conformer."""
    return [conformers.mol(i) for i in range(min(num, len(conformers)))]
