"""Molecules without the hydrogens that go without saying, and their SMILES."""

from __future__ import annotations

from rdkit import Chem

_DIRECTIONS = (Chem.BondDir.ENDUPRIGHT, Chem.BondDir.ENDDOWNRIGHT)


def without_hydrogens(mol: Chem.Mol, sanitize: bool = True) -> Chem.Mol:
    """A copy without hydrogens, but for those that carry stereo (of an E/Z imine), whose double bonds keep theirs.

    `Chem.RemoveHs` does so too, but where a double bond's side was marked by the bond to a hydrogen, its neighbour may
    be left with a mark of the other side, which is what a SMILES is written from: of [H]/C1=C(/[H])CCCCCC1, which is
    *trans*, that of the *cis* ring. Here all marks are made anew from the stereo of the double bonds.
    """
    bare = Chem.RemoveHs(mol, sanitize=sanitize)
    if bare.GetNumAtoms() < mol.GetNumAtoms() and any(
        bond.GetBondDir() in _DIRECTIONS for bond in mol.GetBonds()
    ):
        for bond in bare.GetBonds():
            if bond.GetBondDir() in _DIRECTIONS:
                bond.SetBondDir(Chem.BondDir.NONE)
        Chem.SetDoubleBondNeighborDirections(bare)
    return bare


def bare_smiles(mol: Chem.Mol, sanitize: bool = True) -> str:
    """Canonical SMILES of a molecule without its hydrogens, with the stereo that its tags say."""
    return str(Chem.MolToSmiles(without_hydrogens(mol, sanitize)))
