"""Bond lengths, sorted by the kind of bond."""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol

_SYMBOLS = {
    Chem.BondType.SINGLE: "-",
    Chem.BondType.DOUBLE: "=",
    Chem.BondType.TRIPLE: "#",
    Chem.BondType.AROMATIC: ":",
}


def bond_lengths(mol: Mol) -> dict[str, np.ndarray]:
    """Lengths of all bonds by kind, in Angstrom.

    A kind is two elements and the bond order: `C-C`, `C=O`, `C:N` (aromatic), `C#N`, `C-H`; elements in the order of
    their atomic numbers, hydrogen last.

    Args:
        mol: molecule with num_conformers conformers.

    Returns:
        For each kind an array (num_conformers, number of such bonds).
    """
    bonds: dict[str, list[tuple[int, int]]] = {}
    for bond in mol.GetBonds():
        bonds.setdefault(_kind(bond), []).append((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
    positions = conformer_positions(mol)
    lengths = {}
    for kind, pairs in sorted(bonds.items()):
        first, second = np.array(pairs).T
        lengths[kind] = np.linalg.norm(positions[:, first] - positions[:, second], axis=-1)
    return lengths


def conformer_positions(mol: Mol) -> np.ndarray:
    """Coordinates of all conformers, shape (num_conformers, num_atoms, 3), in Angstrom."""
    return np.array([conformer.GetPositions() for conformer in mol.GetConformers()]).reshape(
        mol.GetNumConformers(), mol.GetNumAtoms(), 3
    )


def element_order(atom: Chem.Atom) -> int:
    """Rank of an element in the name of a kind: by atomic number, hydrogen last."""
    return atom.GetAtomicNum() if atom.GetAtomicNum() > 1 else 1000


def _kind(bond: Chem.Bond) -> str:
    first, second = sorted((bond.GetBeginAtom(), bond.GetEndAtom()), key=element_order)
    return f"{first.GetSymbol()}{_SYMBOLS.get(bond.GetBondType(), '~')}{second.GetSymbol()}"
