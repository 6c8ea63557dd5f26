"""Batches of conformers for training: endless and resumable, each of molecules of equal size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom
from torch import Tensor
from torch.utils.data import DataLoader

from molediff.molecules.data.beside import (
    Beside,
    MixedBatches,
    MixedSource,
    constitution,
    load_beside,
    mixed_part,
    mixed_size,
    smiles_of,
)
from molediff.molecules.data.dataset import ConformerDataset, first_mols, one_each
from molediff.molecules.data.packing import PackedRecord, pack
from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.data.relaxed_samples import load_relaxed
from molediff.molecules.data.sdf import SdfConformers, load_sdf
from molediff.molecules.graph.features import featurize
from molediff.networks.graph import GraphBatch
from molediff.training.batches import EndlessBatches, ResumableDataModule, SizeBucketSampler

BUILTIN_SMILES = tuple(
    map(Chem.CanonSmiles, ("CCO", "CC(N)=O", "C[C@H](O)C#N", "c1ccoc1", "C1CC1O", "C/C=C/C", "CC1CO1"))
)
"""Molecules of `builtin_datamodule`: with a stereocentre, E/Z, rings and an aromatic one."""


class _Conformers:
    """Batches of conformers as training takes them."""

    def __init__(self, dataset: ConformerDataset) -> None:
        self.dataset = dataset

    def batch(self, indices: Any) -> tuple[Tensor, GraphBatch, Tensor]:
        """Positions (B, N, 3) in Angstrom, the graphs as condition, and the mask (B, N).

        Raises:
            ValueError: the molecules have no coordinates.
        """
        graphs = self.dataset.batch(indices)
        if graphs.positions is None:
            raise ValueError("The molecules have no coordinates to train on.")
        return graphs.positions, replace(graphs, positions=None), graphs.mask


class ConformerDataModule(ResumableDataModule):
    """Conformers to train and to validate on.

    Args:
        train: conformers to train on.
        val: held-out conformers.
        reference_mols: held-out molecules with their conformer, for the conformers sampled during training.
        batch_size: molecules a batch.
        num_workers: processes that prepare batches; 0 prepares them in the training process.
        seed: of the order of the batches.
        split: what was held out and how, for the record.
        notes: what the user should know of the data, sentences.
        beside: other molecules of which a share of the batches is taken.
    """

    def __init__(
        self,
        train: ConformerDataset,
        val: ConformerDataset,
        reference_mols: list[Chem.Mol],
        batch_size: int = 32,
        num_workers: int = 0,
        seed: int = 0,
        split: str = "",
        notes: Sequence[str] = (),
        beside: Beside | None = None,
    ) -> None:
        super().__init__(batch_size, num_workers, seed)
        self.train = train
        self.val = val
        self.reference_mols = reference_mols
        self.beside = beside
        self.split = split
        self.notes = list(notes)
        if beside is not None:
            self.split += f", beside them {beside}"
            self.notes += beside.notes

    @property
    def max_atoms(self) -> int:
        """Atoms of the largest molecule to train on."""
        parts = [self.train, *([self.beside.conformers] if self.beside else [])]
        return max(int(part.num_atoms.max()) for part in parts)

    def scale(self, num_molecules: int = 4096) -> float:
        """Standard deviation in Angstrom of the coordinates about the centre of each molecule."""
        total, count = 0.0, 0
        indices = np.linspace(0, len(self.train) - 1, min(num_molecules, len(self.train))).astype(int)
        for start in range(0, len(indices), 256):
            positions, _, mask = _Conformers(self.train).batch(indices[start : start + 256])
            weight = mask.unsqueeze(-1).to(positions.dtype)
            centred = positions - (positions * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True)
            total += float((centred * weight).square().sum())
            count += 3 * int(mask.sum())
        return (total / count) ** 0.5

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        if self.beside is None:
            batches = EndlessBatches(self.train.num_atoms, self.batch_size, self.seed, self.start)
            return self.training_loader(_Conformers(self.train), batches)
        sources = MixedSource(_Conformers(self.train), _Conformers(self.beside.conformers))
        mixed = MixedBatches(self.train.num_atoms, self.beside, self.batch_size, self.seed, self.start)
        return self.training_loader(sources, mixed, size=mixed_size, cut=mixed_part)

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of the held-out molecules; their order does not depend on the batch size."""
        return self.loader(
            _Conformers(self.val), SizeBucketSampler(self.val.num_atoms, 2 * self.batch_size, shuffle=False)
        )


def qm9_datamodule(
    root: str = "data",
    batch_size: int = 32,
    num_validation: int = 1000,
    num_reference: int = 20,
    num_workers: int = 0,
    seed: int = 0,
) -> ConformerDataModule:
    """QM9 with EDM's split: its training part, and `num_validation` molecules spread over its validation part."""
    qm9 = load_qm9(root)
    val = qm9.split("val")
    val = val.subset(np.linspace(0, len(val) - 1, min(num_validation, len(val))).astype(int))
    return ConformerDataModule(
        qm9.split("train"), val, first_mols(val, num_reference), batch_size, num_workers, seed, "EDM train"
    )


def sdf_datamodule(
    path: str,
    batch_size: int = 32,
    num_reference: int = 20,
    num_workers: int = 0,
    seed: int = 0,
    beside: Sequence[str] = (),
    beside_share: float = 0.2,
    withheld: str | None = None,
) -> ConformerDataModule:
    """An SDF file or a folder of them; a fixed tenth of the molecules is held out, and another tenth for tests.

    Args:
        path: of the file or folder.
        batch_size, num_reference, num_workers, seed: see `ConformerDataModule`.
        beside, beside_share, withheld: see `load_beside`.

    Raises:
        ValueError: nothing would be left to train or to validate on.
    """
    conformers = load_sdf(path)
    train, val = conformers.split("train"), conformers.split("val")
    if not len(train) or not len(val):
        raise ValueError(
            f"{path} gives {len(train)} conformers to train on and {len(val)} to validate on, "
            f"{len(conformers.skipped)} records were left out: both must be at least one, give more molecules"
        )
    reference = first_mols(val, num_reference)
    return ConformerDataModule(
        train,
        val,
        reference,
        batch_size,
        num_workers,
        seed,
        "hash of the molecule, train",
        left_out(path, conformers),
        load_beside(beside, beside_share, [val, conformers.split("test")], withheld),
    )


def ensembles_datamodule(
    train: str | Sequence[str],
    val: str,
    batch_size: int = 32,
    num_reference: int = 20,
    num_workers: int = 0,
    seed: int = 0,
    beside: Sequence[str] = (),
    beside_share: float = 0.2,
    withheld: str | None = None,
    beside_often: str | None = None,
    beside_times: int = 4,
) -> ConformerDataModule:
    """Ensembles as scripts/build_ensembles.py writes them: all of `train` to train on, all of `val` held out.

    Args:
        train: a file of molecules to train on, or several.
        val: one of others.
        batch_size, num_reference, num_workers, seed: see `ConformerDataModule`.
        beside, beside_share, withheld: see `load_beside`, as `beside_often` and `beside_times`, its `often` and
            `often_times`.

    Raises:
        ValueError: a molecule is in both, also as another stereoisomer, or a file has no usable one.
    """
    names = " and ".join([train] if isinstance(train, str) else train)
    parts = {names: load_sdf(train), val: load_sdf(val)}
    known, held_out = (set(map(constitution, smiles_of(conformers))) for conformers in parts.values())
    if known & held_out:
        raise ValueError(f"{names} and {val} share {len(known & held_out)} molecules: none would be held out")
    return ConformerDataModule(
        parts[names],
        parts[val],
        first_mols(one_each(parts[val]), num_reference),
        batch_size,
        num_workers,
        seed,
        "files of ensembles",
        [note for path, conformers in parts.items() for note in left_out(path, conformers)],
        load_beside(
            beside, beside_share, [parts[val]], withheld, often=beside_often, often_times=beside_times
        ),
    )


def relaxed_datamodule(
    path: str,
    batch_size: int = 32,
    num_validation: int = 200,
    num_reference: int = 20,
    num_workers: int = 0,
    seed: int = 0,
    beside: Sequence[str] = (),
    beside_share: float = 0.2,
    withheld: str | None = None,
) -> ConformerDataModule:
    """Samples that were relaxed, with their noise; those of the last `num_validation` molecules are held out.

    Args:
        path: what `load_relaxed` reads.
        batch_size, num_reference, num_workers, seed: see `ConformerDataModule`.
        num_validation: molecules that are held out.
        beside, beside_share, withheld: see `load_beside`; files as `path`.

    Raises:
        ValueError: nothing would be left to train on.
    """
    samples = load_relaxed(path)
    molecule = samples.packed.molecule
    first_held = int(molecule.max()) + 1 - num_validation
    if not 0 < first_held <= molecule.max():
        raise ValueError(
            f"{path} holds {molecule.max() + 1} molecules: hold out some and not all; got "
            f"num_validation={num_validation}."
        )
    train, val = (
        samples.subset(np.flatnonzero(part)) for part in (molecule < first_held, molecule >= first_held)
    )
    return ConformerDataModule(
        train,
        val,
        first_mols(one_each(val), num_reference),
        batch_size,
        num_workers,
        seed,
        "all but the last molecules of a file",
        beside=load_beside(beside, beside_share, [val], withheld, load_relaxed),
    )


def left_out(path: str, conformers: SdfConformers) -> list[str]:
    """A sentence about the records that could not be used, if there are any."""
    reasons = conformers.reasons()
    words = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    return [f"{path}: {reasons.total()} records were left out: {words}"] if reasons else []


def builtin_datamodule(
    batch_size: int = 8, num_reference: int = 2, num_workers: int = 0, seed: int = 0
) -> ConformerDataModule:
    """ETKDG conformers of a few small molecules, to see in seconds whether training works; nothing is held out."""
    records = []
    for smiles in BUILTIN_SMILES:
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        for conformer_id in rdDistGeom.EmbedMultipleConfs(mol, 4, randomSeed=seed + 1):
            positions = mol.GetConformer(conformer_id).GetPositions().astype(np.float32)
            records.append(PackedRecord(smiles, featurize(mol), positions))
    conformers = ConformerDataset(pack(records))
    reference = first_mols(conformers, num_reference)
    return ConformerDataModule(
        conformers, conformers, reference, batch_size, num_workers, seed, "none held out"
    )
