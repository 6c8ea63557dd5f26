"""Is the configuration right?

Written apart from `molecules.perception` on purpose, though the rule is the same: a generator that corrects its samples
by a perception must not be judged by that perception.
"""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol

from molediff.molecules.hydrogens import bare_smiles


def stereo_matches(mol: Mol) -> np.ndarray:
    """Whether each conformer shows the stereo that the graph of `mol` asks for (R/S and E/Z).

    Stereo is perceived from the coordinates alone and compared as canonical isomeric SMILES, so that equivalent
    atoms may change places. Centres and double bonds that the graph leaves open are not compared. The configuration of
    a carbon is the orientation of its four neighbours; RDKit looks at three of them and the centre, which gives
    another where the centre stands outside of its neighbours' tetrahedron, as in some strained cages (0.4 % of QM9).

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
        _orient_by_four_neighbours(perceived, mol)
        matches.append(_smiles(perceived, mol) == wanted)
    return np.array(matches, dtype=bool)


def _orient_by_four_neighbours(perceived: Mol, asked: Mol) -> None:
    """Set the tags of all four-valent centres that `asked` specifies."""
    positions = perceived.GetConformer().GetPositions()
    for asked_atom in asked.GetAtoms():
        neighbours = [bond.GetOtherAtomIdx(asked_atom.GetIdx()) for bond in asked_atom.GetBonds()]
        if asked_atom.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED or len(neighbours) != 4:
            continue
        *others, last = positions[neighbours]
        # RDKit's CCW: seen from the first neighbour, the other three turn counter-clockwise.
        counter_clockwise = np.linalg.det(np.array(others) - last) > 0
        tag = Chem.ChiralType.CHI_TETRAHEDRAL_CCW if counter_clockwise else Chem.ChiralType.CHI_TETRAHEDRAL_CW
        perceived.GetAtomWithIdx(asked_atom.GetIdx()).SetChiralTag(tag)


def _smiles(perceived: Mol, asked: Mol) -> str:
    """Canonical SMILES with the stereo of `perceived` wherever `asked` specifies any and coordinates show it."""
    for atom, asked_atom in zip(perceived.GetAtoms(), asked.GetAtoms(), strict=True):
        # RDKit reads marks of three-coordinate nitrogen (bridgeheads) from SMILES, and from no coordinates.
        is_amine = asked_atom.GetAtomicNum() == 7 and asked_atom.GetTotalDegree() == 3
        if is_amine or asked_atom.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    ends_of_asked: set[int] = set()
    for bond, asked_bond in zip(perceived.GetBonds(), asked.GetBonds(), strict=True):
        if asked_bond.GetStereo() in (Chem.BondStereo.STEREONONE, Chem.BondStereo.STEREOANY):
            bond.SetStereo(Chem.BondStereo.STEREONONE)
        else:
            ends_of_asked |= {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()}
    for bond in perceived.GetBonds():  # from whose directions RDKit would read open double bonds again
        if not ends_of_asked & {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()}:
            bond.SetBondDir(Chem.BondDir.NONE)
    perceived.RemoveAllConformers()
    Chem.AssignStereochemistry(perceived, cleanIt=True, force=True)
    return bare_smiles(perceived)
