"""Molecules as states of a graph model, and back: labels of heavy atoms and orders of bonds in one row of numbers.

A state is the lower triangle of a matrix, row after row: the labels on the diagonal, bond orders below it (see
`networks.graph_denoiser.places`).
"""

from __future__ import annotations

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.whole.alphabet import BONDS, NUM_EDGES, Alphabet


class GraphError(ValueError):
    """A graph is not that of one molecule; `kind` says in one word why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def state_of(mol: Chem.Mol, alphabet: Alphabet) -> np.ndarray:
    """The state of a molecule's heavy atoms in their order, int8, shape (N (N + 1) / 2,).

    Raises:
        GraphError: an atom is of no kind of the alphabet ("kind"), or of another valence or with unpaired electrons
            ("valence"), or a bond is of no order ("bond").
    """
    explicit = any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms())
    # All hydrogens, also those that mark the stereo of a double bond; a copy either way.
    mol = Chem.RemoveAllHs(mol) if explicit else Chem.Mol(mol)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    orders = Chem.GetAdjacencyMatrix(mol, useBO=True, force=True)
    matrix = orders.astype(np.int8)
    if (
        (orders != matrix).any()
        or matrix.max() >= NUM_EDGES
        or np.count_nonzero(matrix) != 2 * mol.GetNumBonds()
    ):
        raise GraphError(
            "bond", f"{Chem.MolToSmiles(mol)} has a bond that is neither single, double nor triple."
        )
    for atom in mol.GetAtoms():
        element, charge, valence = atom.GetAtomicNum(), atom.GetFormalCharge(), atom.GetTotalValence()
        label = alphabet.label_of.get((element, charge, valence))
        if label is None and not alphabet.knows(element, charge):
            raise GraphError("kind", f"{Chem.MolToSmiles(mol)} holds {atom.GetSymbol()}, which is not known.")
        if label is None or atom.GetNumRadicalElectrons():
            raise GraphError("valence", f"{Chem.MolToSmiles(mol)} has an atom of unusual valence.")
        matrix[atom.GetIdx(), atom.GetIdx()] = label
    return matrix[np.tril_indices(len(matrix))]


def matrix_of(state: np.ndarray) -> np.ndarray:
    """The symmetric matrix (N, N) of a state (N (N + 1) / 2,): labels on the diagonal, bond orders elsewhere."""
    num_atoms = int(((8 * len(state) + 1) ** 0.5 - 1) / 2)
    matrix = np.zeros((num_atoms, num_atoms), np.int64)
    matrix[np.tril_indices(num_atoms)] = state
    return np.maximum(matrix, matrix.T)


def mol_of(state: np.ndarray, alphabet: Alphabet) -> Chem.Mol:
    """The molecule of a state, hydrogens implicit.

    Raises:
        GraphError: an entry is no category ("entry"), an atom has more bonds than its valence ("valence"), the atoms do
            not hang together ("fragments"), or RDKit does not read the molecule ("rdkit").
    """
    matrix = matrix_of(np.asarray(state))
    labels = matrix.diagonal()
    orders = matrix - np.diag(labels)
    if labels.min() < 0 or labels.max() >= len(alphabet) or orders.min() < 0 or orders.max() >= NUM_EDGES:
        raise GraphError("entry", "The graph has an entry that is neither an atom nor a bond.")
    free = np.array([alphabet.kinds[label].valence for label in labels]) - orders.sum(0)
    if (free < 0).any():
        kind = alphabet.kinds[labels[free.argmin()]]
        raise GraphError(
            "valence", f"{kind.symbol} has {kind.valence - free.min()} bonds instead of {kind.valence}."
        )
    if not _connected(orders > 0):
        raise GraphError("fragments", "The graph is of more than one molecule.")
    mol = Chem.RWMol()
    for label, hydrogens in zip(labels, free, strict=True):
        kind = alphabet.kinds[label]
        atom = Chem.Atom(kind.element)
        atom.SetFormalCharge(kind.charge)
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(int(hydrogens))
        mol.AddAtom(atom)
    for a, b in zip(*np.nonzero(np.tril(orders)), strict=True):
        mol.AddBond(int(a), int(b), BONDS[orders[a, b]])
    found = mol.GetMol()
    with rdBase.BlockLogs():
        if Chem.SanitizeMol(found, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE:
            raise GraphError("rdkit", "RDKit does not read the molecule.")
    for atom in found.GetAtoms():
        atom.SetNoImplicit(False)
    return found


def _connected(bonded: np.ndarray) -> bool:
    reached = np.zeros(len(bonded), bool)
    reached[0] = True
    for _ in range(len(bonded)):
        reached |= bonded[reached].any(0)
    return bool(reached.all())
