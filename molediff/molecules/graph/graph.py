"""A molecule as a graph of tensors, and lists of them as one padded batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from rdkit import Chem
from torch_geometric.data import Data

from molediff.molecules.graph.features import ELEMENTS, Features, featurize
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch

__all__ = [
    "ELEMENTS",
    "NODE_CARDINALITIES",
    "PAIR_CARDINALITIES",
    "MolecularGraph",
    "collate",
    "features_to_graph",
    "mol_to_graph",
]


class MolecularGraph(Data):
    """One molecule of N atoms; batches in torch_geometric's way too.

    Attributes:
        node_codes: categories of each atom, int64, shape (N, len(NODE_CARDINALITIES)).
        edge_index: bonds, each in both directions, int64, shape (2, E).
        edge_codes: bond of each edge: 1 single, 2 double, 3 triple, 4 aromatic, int64, shape (E,).
        pair_codes: categories of each pair of atoms, row i * N + j, int64, shape (N * N, len(PAIR_CARDINALITIES)).
        chiral_index: stereocentre and three of its neighbours, int64, shape (4, T).
        chiral_sign: sign of the signed volume of the three about the centre, +1.0 or -1.0, shape (T,).
        pos: coordinates in Angstrom, float32, shape (N, 3); absent where unknown.
        smiles: canonical SMILES with stereo, or None.
    """

    node_codes: torch.Tensor
    edge_codes: torch.Tensor
    pair_codes: torch.Tensor
    chiral_index: torch.Tensor
    chiral_sign: torch.Tensor
    smiles: str | None


def features_to_graph(
    features: Features, pos: np.ndarray | None = None, smiles: str | None = None
) -> MolecularGraph:
    """The graph of `features`, with coordinates `pos` of shape (N, 3) in Angstrom if given."""
    num_atoms = len(features.node_codes)
    pair_codes = features.vocabulary.pair_table[features.pair_words]
    edge_index = np.stack(np.nonzero(pair_codes[..., 0]))
    fields: dict[str, Any] = {
        "node_codes": torch.from_numpy(features.node_codes.astype(np.int64)),
        "edge_index": torch.from_numpy(edge_index),
        "edge_codes": torch.from_numpy(pair_codes[edge_index[0], edge_index[1], 0]),
        "pair_codes": torch.from_numpy(pair_codes.reshape(num_atoms * num_atoms, -1)),
        "chiral_index": torch.from_numpy(features.chiral_index.astype(np.int64)),
        "chiral_sign": torch.from_numpy(features.chiral_sign.astype(np.float32)),
        "smiles": smiles,
        "num_nodes": num_atoms,
    }
    if pos is not None:
        fields["pos"] = torch.from_numpy(np.array(pos, dtype=np.float32))
    return MolecularGraph(**fields)


def mol_to_graph(
    mol: Chem.Mol, conformer_id: int | None = None, vocabulary: Vocabulary = QM9
) -> MolecularGraph:
    """The graph of a sanitized molecule with explicit hydrogens, atoms in the molecule's order.

    Args:
        mol: as `Chem.AddHs(Chem.MolFromSmiles(...))` gives it.
        conformer_id: conformer whose coordinates go along (-1: the first); None for none.
        vocabulary: the categories to tell apart: those of the network.

    Raises:
        ValueError: the molecule has implicit hydrogens, no such conformer, or an element, charge or bond outside
            the vocabulary.

    Example:
        >>> mol_to_graph(Chem.AddHs(Chem.MolFromSmiles("CO"))).num_nodes
        6
    """
    pos = None if conformer_id is None else mol.GetConformer(conformer_id).GetPositions()
    return features_to_graph(featurize(mol, vocabulary), pos, Chem.MolToSmiles(Chem.RemoveHs(mol)))


def collate(graphs: Sequence[MolecularGraph]) -> GraphBatch:
    """One padded batch of `graphs`, in their order; positions only if all graphs have them."""
    if not graphs:
        raise ValueError("There is no graph to collate.")
    sizes = [int(graph.num_nodes or 0) for graph in graphs]
    num_graphs, width = len(graphs), max(sizes)
    node_codes = torch.zeros(num_graphs, width, graphs[0].node_codes.shape[1], dtype=torch.int64)
    pair_codes = torch.zeros(num_graphs, width, width, graphs[0].pair_codes.shape[1], dtype=torch.int64)
    with_positions = all("pos" in graph for graph in graphs)
    positions = torch.zeros(num_graphs, width, 3) if with_positions else None
    for i, (graph, size) in enumerate(zip(graphs, sizes, strict=True)):
        node_codes[i, :size] = graph.node_codes
        pair_codes[i, :size, :size] = graph.pair_codes.view(size, size, -1)
        if positions is not None:
            positions[i, :size] = graph.pos
    return GraphBatch(
        node_codes=node_codes,
        pair_codes=pair_codes,
        mask=torch.arange(width) < torch.tensor(sizes)[:, None],
        chiral_index=torch.cat([graph.chiral_index.T + i * width for i, graph in enumerate(graphs)]),
        chiral_sign=torch.cat([graph.chiral_sign for graph in graphs]),
        positions=positions,
    )
