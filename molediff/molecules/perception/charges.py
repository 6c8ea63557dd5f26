"""Charges that a formula cannot do without, and charges that make an ion."""

from __future__ import annotations

from rdkit import Chem

_PLUS, _MINUS = "+1,+2,+3,+4", "-1,-2,-3,-4"
_UNBALANCED = Chem.MolFromSmarts(f"[$([{_PLUS};!$(*~[{_MINUS}])]),$([{_MINUS};!$(*~[{_PLUS}])])]")
# Protons go where there is none: not to the oxygen of a sulfonate, whose acid is stronger than any ammonium.
_GIVES = Chem.MolFromSmarts("[N+;!H0]")
_TAKES = Chem.MolFromSmarts("[$([O-]C=O),$([O-]P),$([O-]c),$([O-][CX4])]")


def has_unbalanced_charge(mol: Chem.Mol) -> bool:
    """Whether an atom has a charge that no neighbour balances, as those of nitro groups, azides and N-oxides do."""
    return bool(mol.HasSubstructMatch(_UNBALANCED))


def is_zwitterion(mol: Chem.Mol) -> bool:
    """Whether it has a proton on nitrogen that an anion's oxygen may take in vacuum, as those of amino acids do."""
    return bool(mol.HasSubstructMatch(_GIVES) and mol.HasSubstructMatch(_TAKES))
