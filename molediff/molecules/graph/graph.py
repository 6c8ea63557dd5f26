"""A molecule as a graph of tensors, and lists of them as one padded batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from rdkit import Chem

from molediff.molecules.graph.features import ELEMENTS, Features, featurize
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.molecules.hydrogens import bare_smiles
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch

if TYPE_CHECKING:
    from torch_geometric.data import Data

__all__ = [
    "ELEMENTS",
    "NODE_CARDINALITIES",
    "PAIR_CARDINALITIES",
    "MolecularGraph",
    "collate",
    "features_to_graph",
    "mol_to_graph",
]


@dataclass
class MolecularGraph:
    """One molecule of N atoms.

    Attributes:
        node_codes: categories of each atom, int64, shape (N, len(NODE_CARDINALITIES)).
        pair_codes: categories of each pair of atoms, row i * N + j, int64, shape (N * N, len(PAIR_CARDINALITIES)).
        chiral_index: stereocentre and three of its neighbours, int64, shape (4, T).
        chiral_sign: sign of the signed volume of the three about the centre, +1.0 or -1.0, shape (T,).
        pos: coordinates in Angstrom, float32, shape (N, 3); None where unknown.
        smiles: canonical SMILES with stereo, or None.
    """

    node_codes: torch.Tensor
    pair_codes: torch.Tensor
    chiral_index: torch.Tensor
    chiral_sign: torch.Tensor
    pos: torch.Tensor | None = None
    smiles: str | None = None

    @property
    def num_nodes(self) -> int:
        """Number of atoms N."""
        return len(self.node_codes)

    @property
    def edge_index(self) -> torch.Tensor:
        """Bonds, each in both directions, int64, shape (2, E)."""
        return self._bonds.nonzero().T

    @property
    def edge_codes(self) -> torch.Tensor:
        """Bond of each edge: 1 single, 2 double, 3 triple, 4 aromatic, int64, shape (E,)."""
        return self._bonds[tuple(self.edge_index)]

    @property
    def _bonds(self) -> torch.Tensor:
        return self.pair_codes[:, 0].view(self.num_nodes, self.num_nodes)

    def to_data(self) -> Data:
        """The same as a `torch_geometric.data.Data`, with `edge_index` and `edge_codes`: what its loaders batch."""
        from torch_geometric.data import Data  # its import takes longer than torch's

        known = {} if self.pos is None else {"pos": self.pos}
        return Data(
            node_codes=self.node_codes,
            pair_codes=self.pair_codes,
            edge_index=self.edge_index,
            edge_codes=self.edge_codes,
            chiral_index=self.chiral_index,
            chiral_sign=self.chiral_sign,
            smiles=self.smiles,
            num_nodes=self.num_nodes,
            **known,
        )


def features_to_graph(
    features: Features, pos: np.ndarray | None = None, smiles: str | None = None
) -> MolecularGraph:
    """The graph of `features`, with coordinates `pos` of shape (N, 3) in Angstrom if given."""
    pair_codes = features.vocabulary.pair_table[features.pair_words]
    return MolecularGraph(
        node_codes=torch.from_numpy(features.node_codes.astype(np.int64)),
        pair_codes=torch.from_numpy(pair_codes.reshape(-1, pair_codes.shape[-1])),
        chiral_index=torch.from_numpy(features.chiral_index.astype(np.int64)),
        chiral_sign=torch.from_numpy(features.chiral_sign.astype(np.float32)),
        pos=None if pos is None else torch.from_numpy(np.array(pos, dtype=np.float32)),
        smiles=smiles,
    )


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
    return features_to_graph(featurize(mol, vocabulary), pos, bare_smiles(mol))


def collate(graphs: Sequence[MolecularGraph]) -> GraphBatch:
    """One padded batch of `graphs`, in their order; positions only if all graphs have them."""
    if not graphs:
        raise ValueError("There is no graph to collate.")
    sizes = [graph.num_nodes for graph in graphs]
    num_graphs, width = len(graphs), max(sizes)
    node_codes = torch.zeros(num_graphs, width, graphs[0].node_codes.shape[1], dtype=torch.int64)
    pair_codes = torch.zeros(num_graphs, width, width, graphs[0].pair_codes.shape[1], dtype=torch.int64)
    known = [graph.pos for graph in graphs if graph.pos is not None]
    positions = torch.zeros(num_graphs, width, 3) if len(known) == num_graphs else None
    for i, (graph, size) in enumerate(zip(graphs, sizes, strict=True)):
        node_codes[i, :size] = graph.node_codes
        pair_codes[i, :size, :size] = graph.pair_codes.view(size, size, -1)
        if positions is not None:
            positions[i, :size] = known[i]
    return GraphBatch(
        node_codes=node_codes,
        pair_codes=pair_codes,
        mask=torch.arange(width) < torch.tensor(sizes)[:, None],
        chiral_index=torch.cat([graph.chiral_index.T + i * width for i, graph in enumerate(graphs)]),
        chiral_sign=torch.cat([graph.chiral_sign for graph in graphs]),
        positions=positions,
    )
