"""Many molecules and their conformers in a few flat arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from molediff.molecules.graph.features import Features
from molediff.molecules.graph.vocabulary import QM9
from molediff.runtime.former import former_names

__getattr__ = former_names(__name__, {"Record": "PackedRecord"})


class PackedRecord(NamedTuple):
    """One conformer on its way into the arrays.

    Attributes:
        smiles: canonical isomeric SMILES; conformers of equal SMILES share one graph.
        features: its features, atoms in the order of `smiles`.
        positions: coordinates in Angstrom, float32, shape (N, 3).
    """

    smiles: str
    features: Features
    positions: np.ndarray


@dataclass(frozen=True)
class PackedConformers:
    """M molecules and C conformers, end to end.

    Attributes:
        smiles: canonical SMILES, newline-separated UTF-8 bytes, uint8.
        atom_start: first row of each molecule in `node_codes`, int64, shape (M + 1,).
        node_codes: uint8, shape (sum of N, number of columns).
        pair_start: first element of each molecule in `pair_words`, int64, shape (M + 1,).
        pair_words: packed pair categories, row after row, uint16, shape (sum of N^2,).
        chiral_start: first column of each molecule in `chiral_index`, int64, shape (M + 1,).
        chiral_index: centre and three neighbours, numbered in the molecule, uint8, shape (4, sum of T).
        chiral_sign: +1 or -1, int8, shape (sum of T,).
        molecule: the molecule of each conformer, int64, shape (C,).
        position_start: first row of each conformer in `positions`, int64, shape (C + 1,).
        positions: coordinates in Angstrom, float32, shape (sum of N over conformers, 3).
    """

    smiles: np.ndarray
    atom_start: np.ndarray
    node_codes: np.ndarray
    pair_start: np.ndarray
    pair_words: np.ndarray
    chiral_start: np.ndarray
    chiral_index: np.ndarray
    chiral_sign: np.ndarray
    molecule: np.ndarray
    position_start: np.ndarray
    positions: np.ndarray

    @property
    def num_conformers(self) -> int:
        """Number of conformers C."""
        return len(self.molecule)

    def smiles_list(self) -> list[str]:
        """Canonical SMILES of the M molecules."""
        text = self.smiles.tobytes().decode()
        return text.split("\n") if text else []

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def pack(records: Iterable[PackedRecord]) -> PackedConformers:
    """Pack conformers in their order; those of equal SMILES share one graph."""
    molecule_of: dict[str, int] = {}
    graphs: list[Features] = []
    molecule, positions = [], []
    for record in records:
        if record.smiles not in molecule_of:
            molecule_of[record.smiles] = len(graphs)
            graphs.append(record.features)
        molecule.append(molecule_of[record.smiles])
        positions.append(np.asarray(record.positions, dtype=np.float32))
    vocabulary = graphs[0].vocabulary if graphs else QM9
    empty_nodes = np.zeros((0, len(vocabulary.node_cardinalities)), dtype=np.uint8)
    return PackedConformers(
        smiles=np.frombuffer("\n".join(molecule_of).encode(), dtype=np.uint8),
        atom_start=_starts([len(graph.node_codes) for graph in graphs]),
        node_codes=np.concatenate([empty_nodes, *(graph.node_codes for graph in graphs)]),
        pair_start=_starts([graph.pair_words.size for graph in graphs]),
        pair_words=np.concatenate([np.zeros(0, np.uint16), *(graph.pair_words.ravel() for graph in graphs)]),
        chiral_start=_starts([len(graph.chiral_sign) for graph in graphs]),
        chiral_index=np.concatenate(
            [np.zeros((4, 0), np.uint8), *(graph.chiral_index for graph in graphs)], axis=1
        ),
        chiral_sign=np.concatenate([np.zeros(0, np.int8), *(graph.chiral_sign for graph in graphs)]),
        molecule=np.array(molecule, dtype=np.int64),
        position_start=_starts([len(rows) for rows in positions]),
        positions=np.concatenate([np.zeros((0, 3), np.float32), *positions]),
    )


def _starts(lengths: list[int]) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
