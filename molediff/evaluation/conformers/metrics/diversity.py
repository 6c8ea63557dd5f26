"""How different the conformers of one ensemble are from each other."""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol, rdMolAlign


def diversity(mol: Mol) -> float:
    """Mean heavy-atom RMSD over all pairs of conformers, in Angstrom; NaN with fewer than two conformers.

    Args:
        mol: molecule with its conformers. Minimal over rotations and automorphisms, as `rmsd_matrix`.
    """
    if mol.GetNumConformers() < 2:
        return float("nan")
    return float(np.mean(rdMolAlign.GetAllConformerBestRMS(Chem.RemoveHs(mol), numThreads=1)))
