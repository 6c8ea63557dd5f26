"""Does the structure show the bonds of the graph?"""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol, rdDetermineBonds


def connectivity_matches(mol: Mol) -> np.ndarray:
    """Whether the bonds perceived from elements and coordinates alone are exactly those of the graph.

    Bond orders are not compared. RDKit's perception also fails for about 4 % of the B3LYP geometries of QM9
    (strained rings, zwitterions): judge a method by its distance from the data's own fraction.

    Args:
        mol: molecule with explicit hydrogens and num_conformers conformers.

    Returns:
        Booleans (num_conformers,), in the order of the conformers.
    """
    wanted = {_pair(bond) for bond in mol.GetBonds()}
    bare = Chem.RWMol()
    for atom in mol.GetAtoms():
        bare.AddAtom(Chem.Atom(atom.GetAtomicNum()))
    matches = []
    for conformer in mol.GetConformers():
        perceived = Chem.Mol(bare)
        perceived.AddConformer(conformer, assignId=True)
        rdDetermineBonds.DetermineConnectivity(perceived)
        matches.append({_pair(bond) for bond in perceived.GetBonds()} == wanted)
    return np.array(matches, dtype=bool)


def _pair(bond: Chem.Bond) -> tuple[int, int]:
    first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    return min(first, second), max(first, second)
