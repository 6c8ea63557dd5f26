"""Samples that were relaxed, with the noise from which each was drawn: what a student learns to end in minima from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rdkit import Chem, rdBase
from torch import Tensor

from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.packing import PackedConformers, PackedRecord, pack
from molediff.molecules.files.sdf import read_sdf
from molediff.molecules.graph.features import featurize
from molediff.molecules.graph.inputs import molecule_key, sample_generator, sample_generators
from molediff.networks.graph import GraphBatch


class Origin(NamedTuple):
    """What fixes the noise of a sample, the first of its molecule.

    Attributes:
        key: of its molecule.
        seed: of the call.
        by_torch: whether a generator of torch gave it, as until version 0.2.
    """

    key: bytes
    seed: int
    by_torch: bool


class RelaxedSamples(ConformerDataset):
    """Conformers with the noise of the samples that relaxed to them.

    Args:
        packed: the arrays.
        origins: of each packed conformer what fixes the noise of its sample.
        conformers: which of the packed conformers; all by default.
    """

    def __init__(
        self,
        packed: PackedConformers,
        origins: Sequence[Origin],
        conformers: Sequence[int] | np.ndarray | None = None,
    ) -> None:
        super().__init__(packed, conformers)
        self._origins = origins

    def noise(self, index: int) -> Tensor:
        """Unit noise of sample `index`, float32, shape (N, 3), before its mean is taken off."""
        key, seed, by_torch = self._origins[self.conformers[index]]
        shape = (int(self.num_atoms[index]), 3)
        if by_torch:
            return torch.randn(shape, generator=sample_generator(seed, key, conformer=0, attempt=0))
        return sample_generators(seed, [(key, [0])]).normal((1, *shape))[0]

    def subset(self, indices: Sequence[int] | np.ndarray) -> RelaxedSamples:
        """The conformers `indices`, in that order, sharing the arrays."""
        return RelaxedSamples(
            self.packed, self._origins, self.conformers[np.asarray(indices, dtype=np.int64)]
        )

    def batch(self, indices: Sequence[int] | np.ndarray) -> GraphBatch:
        """The conformers `indices` as one batch with their noise."""
        batch = super().batch(indices)
        noise = torch.nn.utils.rnn.pad_sequence(
            [self.noise(int(index)) for index in indices], batch_first=True
        )
        return replace(batch, noise=noise)


def load_relaxed(path: str | Path | Sequence[str | Path]) -> RelaxedSamples:
    """What `scripts/sample.py FILE.smi num_conformers=1 max_attempts=1 relax=gfn2 output=PATH` wrote; also PATH.gz.

    Only where one sample of a molecule was drawn does a record tell from which noise it came; several files, of other
    seeds, give several samples of a molecule.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it has no record, or one that was not written so.
    """
    paths = [Path(path)] if isinstance(path, (str, Path)) else [Path(one) for one in path]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}.")
    records, origins = list[PackedRecord](), list[Origin]()
    for path in paths:
        _read(path, records, origins)
    if not records:
        raise ValueError(f"{' and '.join(map(str, paths))} has no record.")
    return RelaxedSamples(pack(records), origins)


def _read(path: Path, records: list[PackedRecord], origins: list[Origin]) -> None:
    with rdBase.BlockLogs():
        for number, found in enumerate(read_sdf(path, sanitize=False)):
            try:
                if found is None:
                    raise ValueError("RDKit cannot read it")
                smiles, mol, seed = _origin(found)
            except ValueError as error:
                raise ValueError(
                    f"Record {number} of {path} is no sample that was relaxed: {error}."
                ) from None
            records.append(PackedRecord(smiles, featurize(mol), found.GetConformer().GetPositions()))
            origins.append(Origin(molecule_key(mol), seed, by_torch=not found.HasProp("noise")))


def _origin(found: Chem.Mol) -> tuple[str, Chem.Mol, int]:
    """SMILES, molecule and seed of a record; ValueError if it is not a molecule's only sample, relaxed."""
    missing = [key for key in ("SMILES", "seed", "conformer", "relax") if not found.HasProp(key)]
    if missing:
        raise ValueError(
            f"it does not have {' and '.join(missing)}, which scripts/sample.py writes with relax=gfn2"
        )
    if found.GetProp("conformer") != "0":
        raise ValueError("it is not the only one of its molecule: take num_conformers=1 max_attempts=1")
    smiles, seed = found.GetProp("SMILES"), found.GetProp("seed")
    mol = Chem.MolFromSmiles(smiles)
    if mol is None or not seed.isdecimal():
        raise ValueError(f"its SMILES {smiles!r} or its seed {seed!r} cannot be read")
    mol = Chem.AddHs(mol)
    if _structure(mol) != _structure(found):
        raise ValueError(
            f"its atoms are not those of its SMILES {smiles}, in their order: give SMILES as input"
        )
    return smiles, mol, int(seed)


def _structure(mol: Chem.Mol) -> tuple[list[int], set[frozenset[int]]]:
    """Elements and bonded pairs."""
    bonds = {frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in mol.GetBonds()}
    return [atom.GetAtomicNum() for atom in mol.GetAtoms()], bonds
