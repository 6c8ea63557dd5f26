"""Bonds by distance alone, as published tables of generated molecules take them: stability and validity.

The protocol of EDM (Hoogeboom et al. 2022, appendix on metrics; the numbers are those of its public evaluation, which
took them from tables of average bond lengths). It sees coordinates and elements, no bond that a generator may have
made: two atoms are bonded if they are nearer than the length of a single bond and a margin, doubly and triply if they
are nearer still. An atom is stable if its orders add up to its valence, a molecule if all its atoms are. Charges and
aromatic bonds are unknown to it, so that real molecules fail too: 95.2 % of QM9's are stable.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rdkit import Chem, rdBase

ELEMENTS = (1, 6, 7, 8, 9)
VALENCES = {1: 1, 6: 4, 7: 3, 8: 2, 9: 1}

# Lengths in pm of single, double and triple bonds; below the diagonal they repeat. 0: there is none.
# Rows and columns: H, C, N, O, F.
_SINGLE = (
    (74, 109, 101, 96, 92),
    (109, 154, 147, 143, 135),
    (101, 147, 145, 140, 136),
    (96, 143, 140, 148, 142),
    (92, 135, 136, 142, 142),
)
_DOUBLE = (
    (0, 0, 0, 0, 0),
    (0, 134, 129, 120, 0),
    (0, 129, 125, 121, 0),
    (0, 120, 121, 121, 0),
    (0, 0, 0, 0, 0),
)
_TRIPLE = (
    (0, 0, 0, 0, 0),
    (0, 120, 116, 113, 0),
    (0, 116, 110, 0, 0),
    (0, 113, 0, 0, 0),
    (0, 0, 0, 0, 0),
)
MARGINS = (10, 5, 3)
"""What a bond may be longer than the table, in pm, single, double and triple."""

_LIMITS = np.array(
    [
        np.where(np.array(table) > 0, np.array(table) + margin, 0)
        for table, margin in zip((_SINGLE, _DOUBLE, _TRIPLE), MARGINS, strict=True)
    ],
    dtype=np.float64,
)
_BONDS = (Chem.BondType.ZERO, Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE)


class Stability(NamedTuple):
    """Of one molecule: stable atoms, atoms, and whether all are stable."""

    num_stable: int
    num_atoms: int
    stable: bool


def bond_orders(elements: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Orders 0 to 3 by distance, int64, shape (N, N).

    Args:
        elements: atomic numbers, of H, C, N, O and F, shape (N,).
        positions: in Angstrom, shape (N, 3).

    Raises:
        ValueError: there is another element.
    """
    if not np.isin(elements, ELEMENTS).all():
        raise ValueError(
            f"The look-up knows H, C, N, O and F; got atomic numbers {sorted({*map(int, elements)})}."
        )
    kind = np.searchsorted(ELEMENTS, elements)
    distances = 100 * np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    limits = _LIMITS[:, kind[:, None], kind[None]]
    is_single, is_double, is_triple = distances < limits
    # A triple bond is looked for only below the limit of the double one, and that below the single one's.
    orders: np.ndarray = (
        is_single.astype(np.int64) + (is_single & is_double) + (is_single & is_double & is_triple)
    )
    return orders


def stability(elements: np.ndarray, positions: np.ndarray) -> Stability:
    """Whether the orders at each atom add up to its valence."""
    sums = bond_orders(elements, positions).sum(1)
    stable = sums == np.array([VALENCES[int(element)] for element in elements])
    return Stability(int(stable.sum()), len(stable), bool(stable.all()))


def lookup_smiles(elements: np.ndarray, positions: np.ndarray) -> str | None:
    """Canonical SMILES of the largest fragment if RDKit reads a molecule of these bonds; None, invalid, if not."""
    orders = bond_orders(elements, positions)
    mol = Chem.RWMol()
    for element in elements:
        mol.AddAtom(Chem.Atom(int(element)))
    for a, b in zip(*np.nonzero(np.tril(orders)), strict=True):
        mol.AddBond(int(a), int(b), _BONDS[orders[a, b]])
    with rdBase.BlockLogs():
        try:
            Chem.SanitizeMol(mol)
            fragments = Chem.GetMolFrags(mol, asMols=True)
            return Chem.MolToSmiles(max(fragments, key=lambda fragment: fragment.GetNumAtoms()))
        except ValueError:  # RDKit's errors of valence and kekulization
            return None


def of_mol(mol: Chem.Mol) -> tuple[np.ndarray, np.ndarray]:
    """Elements (N,) and positions (N, 3) of a molecule with a conformer."""
    elements = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    return elements, mol.GetConformer().GetPositions()
