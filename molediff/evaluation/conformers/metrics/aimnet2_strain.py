"""How far conformers are from the minima of AIMNet2, in energy."""

from __future__ import annotations

import numpy as np
from rdkit.Chem import Mol

from molediff.molecules.energies import aimnet2
from molediff.molecules.errors import ForceFieldError


def aimnet2_strain(mol: Mol, max_conformers: int | None = None) -> np.ndarray:
    """Energy of each conformer above the AIMNet2 minimum that relaxation from it leads to, in kcal/mol.

    Args:
        mol: molecule with explicit hydrogens and conformers; not changed.
        max_conformers: look at the first so many; None for all.

    Returns:
        Energies (n,); NaN where no minimum was reached, and for all if AIMNet2 does not describe the molecule.

    Raises:
        ImportError: AIMNet2 is not installed.
    """
    relaxed = Mol(mol)
    for conformer in list(mol.GetConformers())[max_conformers:] if max_conformers is not None else []:
        relaxed.RemoveConformer(conformer.GetId())
    try:
        before = aimnet2.energies(relaxed)
        after = aimnet2.relax(relaxed)
    except ForceFieldError:
        return np.full(relaxed.GetNumConformers(), np.nan)
    return np.where(after.converged, before - after.energies, np.nan)
