"""Is the hand right?"""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol


def stereo_matches(mol: Mol) -> np.ndarray:
    """Whether each conformer shows the stereo that the graph of `mol` asks for (R/S and E/Z).

    Stereo is perceived from the coordinates alone and compared as canonical isomeric SMILES, so that equivalent
    atoms may change places. Centres and double bonds that the graph leaves open are not compared. On purpose this is
    not the test by which the generator accepts its own samples (`molecules.stereo`).

    Args:
        mol: molecule with explicit hydrogens, stereo tags and num_conformers conformers; not changed.

    Returns:
        Booleans (num_conformers,), in the order of the conformers.
    """
    wanted = _smiles(Mol(mol), mol)
    matches = []
    for conformer in mol.GetConformers():
        perceived = Mol(mol, confId=conformer.GetId())
        Chem.AssignStereochemistryFrom3D(perceived, -1, True)
        matches.append(_smiles(perceived, mol) == wanted)
    return np.array(matches, dtype=bool)


def _smiles(perceived: Mol, asked: Mol) -> str:
    """Canonical SMILES with the stereo of `perceived` wherever `asked` specifies any."""
    for atom, asked_atom in zip(perceived.GetAtoms(), asked.GetAtoms(), strict=True):
        if asked_atom.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    for bond, asked_bond in zip(perceived.GetBonds(), asked.GetBonds(), strict=True):
        if asked_bond.GetStereo() in (Chem.BondStereo.STEREONONE, Chem.BondStereo.STEREOANY):
            bond.SetStereo(Chem.BondStereo.STEREONONE)
    perceived.RemoveAllConformers()
    Chem.AssignStereochemistry(perceived, cleanIt=True, force=True)
    return Chem.MolToSmiles(Chem.RemoveHs(perceived))
