"""What moves a starting geometry downhill: a force field first, then GFN2-xTB, whose minima count."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from molediff.molecules.energies import xtb
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.errors import ForceFieldError


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


def relax_by_gfn2(mol: Chem.Mol, max_gradient: float) -> float:
    """Move the first conformer of `mol`, in place, to the next GFN2-xTB minimum; energy in kcal/mol.

    Raises:
        XTBError: no minimum found.
    """
    return xtb.relax(mol, max_gradient=max_gradient)
