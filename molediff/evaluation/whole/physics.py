"""What physics says of whole molecules: where GFN2-xTB takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from molediff.evaluation.whole.metrics.lookup import lookup_smiles, of_mol
from molediff.molecules.energies.xtb import energy, relax
from molediff.molecules.errors import XTBError
from molediff.molecules.rmsd import heavy_atom_rmsd


@dataclass(frozen=True)
class Physics:
    """Of molecules that have a shape.

    Attributes:
        num_molecules: looked at.
        relaxed: share for which GFN2-xTB finds a minimum.
        kept: of these, the share of which EDM's look-up says the same before and after.
        strain: median of what they fall in energy, in kcal/mol.
        moved: median of the heavy-atom RMSD from before, in Angstrom.
    """

    num_molecules: int
    relaxed: float
    kept: float
    strain: float
    moved: float


def physics_of(mols: Sequence[Chem.Mol]) -> Physics:
    """Look at molecules with explicit hydrogens and one conformer each; half a second a molecule.

    Raises:
        ImportError: tblite is not installed.
    """
    strain, moved, kept = [], [], []
    for mol in mols:
        relaxed = Chem.Mol(mol)
        try:
            strain.append(energy(mol) - relax(relaxed))
        except XTBError:
            continue
        kept.append(lookup_smiles(*of_mol(relaxed)) == lookup_smiles(*of_mol(mol)))
        moved.append(heavy_atom_rmsd(Chem.RemoveHs(relaxed), Chem.RemoveHs(mol)))
    return Physics(
        len(mols),
        len(strain) / len(mols),
        float(np.mean(kept)),
        float(np.median(strain)),
        float(np.median(moved)),
    )


def physics_line(name: str, found: Physics) -> str:
    """A sentence."""
    return (
        f"{name}: of {found.num_molecules} with a shape GFN2-xTB relaxes {100 * found.relaxed:.1f} %, by "
        f"{found.strain:.2f} kcal/mol and {found.moved:.3f} A in the median; {100 * found.kept:.1f} % of these keep "
        "their bonds"
    )
