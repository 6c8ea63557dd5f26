"""How different the conformers of one ensemble are from each other."""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol, rdMolAlign

from molediff.molecules.rmsd import MAX_MATCHES


def diversity(mol: Mol) -> float:
    """Mean heavy-atom RMSD over all pairs of conformers, in Angstrom; NaN with fewer than two conformers.

    By RDKit's function for all pairs at once, which gives what `heavy_atom_rmsd` gives of each, under the same bound on
    symmetric mappings.

    Args:
        mol: molecule with its conformers.
    """
    if mol.GetNumConformers() < 2:
        return float("nan")
    pairs = rdMolAlign.GetAllConformerBestRMS(Chem.RemoveHs(mol), numThreads=1, maxMatches=MAX_MATCHES)
    return float(np.mean(pairs))
