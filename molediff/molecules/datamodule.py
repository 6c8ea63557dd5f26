"""Batches of conformers for training: endless and resumable, each of molecules of equal size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from rdkit import Chem
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from molediff.molecules.dataset import ConformerDataset, SizeBucketSampler
from molediff.molecules.qm9 import load_qm9
from molediff.molecules.sdf import load_sdf
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
        remaining, epoch = self.start, 0
        while True:
            sampler = SizeBucketSampler(self.num_atoms, self.batch_size, seed=self.seed + epoch, shuffle=True)
            batches = list(sampler)
            if not batches:
                raise ValueError("there is no molecule to train on")
            yield from batches[remaining:]
            remaining = max(0, remaining - len(batches))
            epoch += 1


class _Batched(Dataset[Any]):
    """Gives a data loader whole batches, since a `ConformerDataset` builds a batch faster than its molecules."""

    def __init__(self, conformers: ConformerDataset) -> None:
        self.conformers = conformers

    def __getitems__(self, indices: list[int]) -> GraphBatch:
        return self.conformers.batch(indices)

    def __len__(self) -> int:
        return len(self.conformers)


def _identity(batch: GraphBatch) -> GraphBatch:
    return batch


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
        indices = torch.linspace(0, len(self.train) - 1, min(num_molecules, len(self.train))).long().tolist()
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
            _Batched(conformers),
            batch_sampler=batches,
            collate_fn=_identity,
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
    """QM9 with EDM's split: all of its training part, and `num_validation` molecules spread over its validation part."""
    qm9 = load_qm9(root)
    train, val = qm9.split("train"), qm9.split("val")
    chosen = torch.linspace(0, len(val) - 1, min(num_validation, len(val))).long().tolist()
    reference = chosen[:: max(1, len(chosen) // num_reference)][:num_reference]
    return ConformerDataModule(
        train,
        val.subset(chosen),
        qm9.mols("val", reference),
        batch_size,
        num_workers,
        seed,
        split="EDM train",
    )


def sdf_datamodule(
    path: str,
    batch_size: int = 32,
    validation_fraction: float = 0.1,
    num_reference: int = 20,
    num_workers: int = 0,
    seed: int = 0,
) -> ConformerDataModule:
    """An SDF file or a folder of them; a random `validation_fraction` of the molecules, drawn with `seed`, is held out."""
    conformers = load_sdf(path)
    if len(conformers) < 2:
        raise ValueError(f"{path} has {len(conformers)} usable molecules; training needs two or more")
    order = torch.randperm(len(conformers), generator=torch.Generator().manual_seed(seed)).tolist()
    num_validation = max(1, round(validation_fraction * len(conformers)))
    train, val = (
        conformers.subset(sorted(order[num_validation:])),
        conformers.subset(sorted(order[:num_validation])),
    )
    return ConformerDataModule(train, val, [], batch_size, num_workers, seed, split=f"random, seed {seed}")
