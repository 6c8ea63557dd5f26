"""Charges that a formula cannot do without, and charges that make an ion."""

from __future__ import annotations

from rdkit import Chem

_PLUS, _MINUS = "+1,+2,+3,+4", "-1,-2,-3,-4"
_UNBALANCED = Chem.MolFromSmarts(f"[$([{_PLUS};!$(*~[{_MINUS}])]),$([{_MINUS};!$(*~[{_PLUS}])])]")


def has_unbalanced_charge(mol: Chem.Mol) -> bool:
    """Whether an atom has a charge that no neighbour balances, as those of nitro groups, azides and N-oxides do."""
    return bool(mol.HasSubstructMatch(_UNBALANCED))
