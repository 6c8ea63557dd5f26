"""Strain energy of conformers in the MMFF94s force field."""

from __future__ import annotations

import numpy as np
from rdkit.Chem import Mol, rdForceFieldHelpers

MAX_ITERATIONS = 2000


def mmff_strain(mol: Mol, max_iterations: int = MAX_ITERATIONS) -> np.ndarray:
    """Energy of each conformer above the MMFF94s minimum that relaxation from it leads to, in kcal/mol.

    It measures how far bonds, angles and contacts are from comfortable, not how high the minimum lies. Quantum
    chemical minima have a strain of some kcal/mol, since MMFF94s has other ideal values: compare with the data.

    Args:
        mol: molecule with explicit hydrogens and num_conformers conformers; not changed.
        max_iterations: bound on the relaxation; one that is not converged by then gives a lower bound of the strain.

    Returns:
        Energies (num_conformers,); NaN for all if MMFF94s has no parameters for the molecule.

    Source: Halgren 1999, MMFF VI (MMFF94s); Tosco et al. 2014 (the implementation in RDKit).
    """
    relaxed = Mol(mol)
    parameters = rdForceFieldHelpers.MMFFGetMoleculeProperties(relaxed, mmffVariant="MMFF94s")
    if parameters is None:
        return np.full(mol.GetNumConformers(), np.nan)
    strain = []
    for conformer in relaxed.GetConformers():
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(relaxed, parameters, confId=conformer.GetId())
        before = field.CalcEnergy()
        field.Minimize(maxIts=max_iterations)
        strain.append(before - field.CalcEnergy())
    return np.array(strain)
