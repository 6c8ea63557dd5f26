"""Conformers as PyTorch Geometric `Data`, as loaders and networks of others take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from molediff.molecules.files.records import Record


def to_data(records: Sequence[Record]) -> list[Any]:
    """A `torch_geometric.data.Data` of each conformer.

    `z` (N,) atomic numbers, `pos` (N, 3) in Angstrom, float32; `edge_index` (2, 2 x bonds), each bond in both
    directions, and `edge_attr` (2 x bonds, 1) with its order, 1, 1.5, 2 or 3; `formal_charge` (N,); `smiles`, `name`
    and `conformer`; `energy` (1,) in kcal/mol, NaN where it is not known.
    """
    from torch_geometric.data import Data

    import molediff.runtime.progress  # noqa: F401 (before PyTorch Geometric, whose bars would complain in a notebook)

    if not records:
        return []
    mol = records[0].mol
    pairs = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    forth = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T
    orders = torch.tensor([bond.GetBondTypeAsDouble() for bond in mol.GetBonds()], dtype=torch.float32)
    shared = {
        "z": torch.tensor([atom.GetAtomicNum() for atom in mol.GetAtoms()], dtype=torch.int64),
        "formal_charge": torch.tensor([atom.GetFormalCharge() for atom in mol.GetAtoms()], dtype=torch.int64),
        "edge_index": torch.cat([forth, forth.flip(0)], dim=1),
        "edge_attr": torch.cat([orders, orders])[:, None],
    }
    return [
        Data(
            **{name: tensor.clone() for name, tensor in shared.items()},
            pos=torch.tensor(record.positions, dtype=torch.float32),
            energy=torch.tensor([float("nan") if record.energy is None else record.energy.value]),
            smiles=str(record.made.get("SMILES", "")),
            name=record.title,
            conformer=int(record.made.get("conformer", 0)),
        )
        for record in records
    ]
