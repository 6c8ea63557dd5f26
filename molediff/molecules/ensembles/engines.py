"""What moves a starting geometry downhill: a force field first, then GFN2-xTB or AIMNet2, whose minima count."""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from molediff.molecules.energies import aimnet2, xtb
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.errors import ForceFieldError, XTBError
from molediff.runtime.checks import choose_device


def relax_in_force_field(mol: Chem.Mol, num_steps: int) -> float:
    """Move the first conformer of `mol` downhill in MMFF94s, or in UFF, in place; energy in kcal/mol.

    A molecule that neither describes stays as it is, at energy 0.
    """
    try:
        return MMFF(mol).relax(max_iterations=num_steps).energy
    except ForceFieldError:
        if not rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
            return 0.0
    field = rdForceFieldHelpers.UFFGetMoleculeForceField(mol)
    field.Initialize()
    field.Minimize(maxIts=num_steps)
    return float(field.CalcEnergy())


def relax_by_gfn2(mol: Chem.Mol, max_gradient: float) -> np.ndarray:
    """Move the n conformers of `mol`, in place, to the next GFN2-xTB minimum, one after the other.

    Args:
        mol: n conformers.
        max_gradient: largest component at a minimum, in kcal/mol/Angstrom.

    Returns:
        Energies in kcal/mol, shape (n,); NaN where no minimum was found.
    """

    def relax(conf_id: int) -> float:
        try:
            return xtb.relax(mol, conf_id, max_gradient)
        except XTBError:
            return np.nan

    return np.array([relax(conformer.GetId()) for conformer in mol.GetConformers()], float)


def relax_by_aimnet2(mol: Chem.Mol, max_gradient: float) -> np.ndarray:
    """The same by AIMNet2, all at once, on a GPU if there is one.

    `max_gradient` bounds the norm of the force on an atom, hence its components.

    Raises:
        ForceFieldError: AIMNet2 does not describe the molecule.
    """
    found = aimnet2.relax(mol, device=choose_device(None), max_force=max_gradient / aimnet2.KCAL_PER_EV)
    return np.where(found.converged, found.energies, np.nan)


MINIMIZERS = {"gfn2": relax_by_gfn2, "aimnet2": relax_by_aimnet2}
"""By the names in `energies.relax.METHODS`."""
