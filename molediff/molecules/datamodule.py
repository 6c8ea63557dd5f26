"""Batches of conformers for training: endless and resumable, each of molecules of equal size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
from rdkit import Chem
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from molediff.molecules.dataset import ConformerDataset, SizeBucketSampler
from molediff.molecules.qm9 import load_qm9
from molediff.networks.graph import GraphBatch


def unpack_conformers(batch: GraphBatch) -> tuple[Tensor, GraphBatch, Tensor]:
    """(positions (B, N, 3) in Angstrom, the graphs as condition, the mask (B, N)) of a batch.

    Raises:
        ValueError: if the batch has no positions.
    """
    if batch.positions is None:
        raise ValueError("the molecules have no coordinates to train on")
    return batch.positions, batch, batch.mask


class EndlessBatches(Sampler[list[int]]):
    """Lists of indices of molecules of equal size, epoch after epoch; the order is a function of the seed alone.

    Args:
        num_atoms: number of atoms of each molecule, shape (n,).
        batch_size: molecules a batch.
        seed: of the order.
        start: number of batches to leave out at the beginning, for a run that goes on.
    """

    def __init__(self, num_atoms: Any, batch_size: int, seed: int = 0, start: int = 0) -> None:
        self.num_atoms = num_atoms
        self.batch_size = batch_size
        self.seed = seed
        self.start = start

    def __iter__(self) -> Iterator[list[int]]:
        sampler = SizeBucketSampler(self.num_atoms, self.batch_size, self.seed)
        if not len(sampler):
            raise ValueError("there is no molecule to train on")
        first_epoch, remaining = divmod(self.start, len(sampler))
        for epoch in itertools.count(first_epoch):
            sampler.set_epoch(epoch)
            yield from itertools.islice(sampler, remaining, None)
            remaining = 0


def _as_is(batch: GraphBatch) -> GraphBatch:
    return batch


def subset(conformers: ConformerDataset, indices: Sequence[int]) -> ConformerDataset:
    """The conformers `indices` of a data set, as one that shares its arrays."""
    return ConformerDataset(conformers.packed, conformers.conformers[np.asarray(indices)])


class ConformerDataModule(pl.LightningDataModule):
    """Conformers to train and to validate on.

    Args:
        train: conformers to train on.
        val: held-out conformers.
        reference_mols: held-out molecules with their conformer, for the conformers sampled during training.
        batch_size: molecules a batch.
        num_workers: processes that prepare batches; 0 prepares them in the training process.
        seed: of the order of the batches.
        split: what was held out and how, for the record.
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
    ) -> None:
        super().__init__()
        self.train = train
        self.val = val
        self.reference_mols = reference_mols
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.split = split
        self._start = 0

    def scale(self, num_molecules: int = 4096) -> float:
        """Standard deviation in Angstrom of the coordinates about the centre of each molecule."""
        total, count = 0.0, 0
        indices = np.linspace(0, len(self.train) - 1, min(num_molecules, len(self.train))).astype(int)
        for start in range(0, len(indices), 256):
            positions, _, mask = unpack_conformers(self.train.batch(indices[start : start + 256]))
            weight = mask.unsqueeze(-1).to(positions.dtype)
            centred = positions - (positions * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True)
            total += float((centred * weight).square().sum())
            count += 3 * int(mask.sum())
        return (total / count) ** 0.5

    def train_dataloader(self) -> DataLoader[Any]:
        """Endless batches, which go on where a resumed run was."""
        batches = EndlessBatches(self.train.num_atoms, self.batch_size, self.seed, self._start)
        return self._loader(self.train, batches)

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of the held-out molecules; their order does not depend on the batch size."""
        return self._loader(
            self.val, SizeBucketSampler(self.val.num_atoms, 2 * self.batch_size, shuffle=False)
        )

    def _loader(self, conformers: ConformerDataset, batches: Any) -> DataLoader[Any]:
        return DataLoader(
            conformers,
            batch_sampler=batches,
            collate_fn=_as_is,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def state_dict(self) -> dict[str, int]:
        """Number of batches trained on, which tells where to go on."""
        assert self.trainer is not None
        return {"num_batches": self.trainer.global_step}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on where the checkpoint was written."""
        self._start = int(state_dict["num_batches"])


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
    val = subset(val, np.linspace(0, len(val) - 1, min(num_validation, len(val))).astype(int))
    return ConformerDataModule(
        qm9.split("train"), val, first_mols(val, num_reference), batch_size, num_workers, seed, "EDM train"
    )


def sdf_datamodule(
    path: str,
    batch_size: int = 32,
    validation_fraction: float = 0.1,
    num_reference: int = 20,
    num_workers: int = 0,
    seed: int = 0,
) -> ConformerDataModule:
    """An SDF file or a folder of them, with a random `validation_fraction`, drawn with `seed`, held out."""
    from molediff.molecules.sdf import load_sdf

    conformers = load_sdf(path)
    if len(conformers) < 2:
        raise ValueError(f"{path} has {len(conformers)} usable molecules; training needs two or more")
    order = np.random.default_rng(seed).permutation(len(conformers))
    num_validation = max(1, round(validation_fraction * len(conformers)))
    train = subset(conformers, np.sort(order[num_validation:]))
    val = subset(conformers, np.sort(order[:num_validation]))
    reference = first_mols(val, num_reference)
    return ConformerDataModule(train, val, reference, batch_size, num_workers, seed, f"random, seed {seed}")


def first_mols(conformers: ConformerDataset, num: int) -> list[Chem.Mol]:
    """The first `num` molecules, each with its conformer."""
    return [conformers.mol(i) for i in range(min(num, len(conformers)))]
