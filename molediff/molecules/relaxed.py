"""Samples that were relaxed, with the noise from which each was drawn: what a student learns to end in minima from."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rdkit import Chem, rdBase
from torch import Tensor

from molediff.molecules.dataset import ConformerDataset
from molediff.molecules.features import featurize
from molediff.molecules.inputs import molecule_key
from molediff.molecules.packing import PackedConformers, Record, pack
from molediff.molecules.sampling import sample_generator
from molediff.networks.graph import GraphBatch


class RelaxedSamples(ConformerDataset):
    """Conformers with the noise of the samples that relaxed to them.

    Args:
        packed: the arrays.
        origins: of each packed conformer the key of its molecule, the seed and the number of the sample: the numbers
            that fix its noise.
        conformers: which of the packed conformers; all by default.
    """

    def __init__(
        self,
        packed: PackedConformers,
        origins: Sequence[tuple[bytes, int, int]],
        conformers: Sequence[int] | np.ndarray | None = None,
    ) -> None:
        super().__init__(packed, conformers)
        self._origins = origins

    def noise(self, index: int) -> Tensor:
        """Unit noise of sample `index`, float32, shape (N, 3), before its mean is taken off."""
        key, seed, conformer = self._origins[self.conformers[index]]
        generator = sample_generator(seed, key, conformer, attempt=0)
        return torch.randn((int(self.num_atoms[index]), 3), generator=generator)

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


def load_relaxed(path: str | Path) -> RelaxedSamples:
    """The conformers that `scripts/sample.py ... relax=gfn2 max_attempts=1 output=PATH` wrote; also PATH.gz.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it has none, or a record does not say from which seed it was drawn, or is of another molecule than
            its SMILES.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    records, origins = list[Record](), list[tuple[bytes, int, int]]()
    with rdBase.BlockLogs(), gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        for number, found in enumerate(Chem.ForwardSDMolSupplier(stream, sanitize=False, removeHs=False)):
            try:
                properties = found.GetPropsAsDict()
                smiles, seed, conformer = (properties[key] for key in ("SMILES", "seed", "conformer"))
                mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
            except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
                raise ValueError(
                    f"Record {number} of {path} has no SMILES, seed and number of the conformer: write the file by "
                    "scripts/sample.py."
                ) from None
            if [a.GetAtomicNum() for a in mol.GetAtoms()] != [a.GetAtomicNum() for a in found.GetAtoms()]:
                raise ValueError(f"Record {number} of {path} does not hold the atoms of its SMILES {smiles}.")
            positions = found.GetConformer().GetPositions()
            records.append(Record(smiles, featurize(mol), positions))
            origins.append((molecule_key(mol), int(seed), int(conformer)))
    if not records:
        raise ValueError(f"{path} has no record.")
    return RelaxedSamples(pack(records), origins)
