"""Strain energy of conformers in the MMFF94s force field."""

from __future__ import annotations

import numpy as np
from rdkit.Chem import Mol

from molediff.molecules.energies.mmff import MAX_ITERATIONS, MMFF
from molediff.molecules.errors import ForceFieldError


def mmff_strain(mol: Mol, max_iterations: int = MAX_ITERATIONS) -> np.ndarray:
    """Energy of each conformer above the MMFF94s minimum that relaxation from it leads to, in kcal/mol.

    It measures how far bonds, angles and contacts are from comfortable, not how high the minimum lies. Quantum
    chemical minima have a strain of some kcal/mol, since MMFF94s has other ideal values: compare with the data.

    Args:
        mol: molecule with explicit hydrogens and num_conformers conformers; not changed.
        max_iterations: bound on the relaxation; one that is not converged by then gives a lower bound of the strain.

    Returns:
        Energies (num_conformers,); NaN for all if MMFF94s does not describe the molecule (see `MMFF`).

    Source: Halgren 1999, MMFF VI (MMFF94s); Tosco et al. 2014 (the implementation in RDKit).
    """
    relaxed = Mol(mol)
    try:
        field = MMFF(relaxed)
    except ForceFieldError:
        return np.full(mol.GetNumConformers(), np.nan)
    ids = [conformer.GetId() for conformer in relaxed.GetConformers()]
    return np.array([field.energy(i) - field.relax(i, max_iterations=max_iterations).energy for i in ids])
