"""What physics says of whole molecules: PoseBusters' checks, and where GFN2-xTB takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from molediff.evaluation.conformers.metrics.connectivity import connectivity_matches
from molediff.evaluation.conformers.metrics.plausibility import plausibility_checks
from molediff.molecules.energies.xtb import energy, relax
from molediff.molecules.errors import XTBError
from molediff.molecules.rmsd import heavy_atom_rmsd


@dataclass(frozen=True)
class Physics:
    """Of molecules that have a shape.

    Attributes:
        num_molecules: looked at.
        plausible: share that passes all of PoseBusters' checks of a molecule but that of the energy.
        relaxed: share for which GFN2-xTB finds a minimum.
        kept: of these, the share whose atoms are then bonded as the graph says, by distances alone.
        strain: median of what they fall in energy, in kcal/mol.
        moved: median of the heavy-atom RMSD from before, in Angstrom.
    """

    num_molecules: int
    plausible: float
    relaxed: float
    kept: float
    strain: float
    moved: float


def physics_of(mols: Sequence[Chem.Mol]) -> Physics:
    """Look at molecules with explicit hydrogens and one conformer each; half a second a molecule.

    Raises:
        ImportError: PoseBusters or tblite is not installed.
    """
    plausible = [all(plausibility_checks(mol, 1)[0].values()) for mol in mols]
    strain, moved, kept = [], [], []
    for mol in mols:
        relaxed = Chem.Mol(mol)
        try:
            strain.append(energy(mol) - relax(relaxed))
        except XTBError:
            continue
        kept.append(bool(connectivity_matches(relaxed)[0]))
        moved.append(heavy_atom_rmsd(Chem.RemoveHs(relaxed), Chem.RemoveHs(mol)))
    return Physics(
        len(mols),
        float(np.mean(plausible)),
        len(strain) / len(mols),
        float(np.mean(kept)),
        float(np.median(strain)),
        float(np.median(moved)),
    )


def physics_line(name: str, found: Physics) -> str:
    """A sentence."""
    return (
        f"{name}: of {found.num_molecules} with a shape {100 * found.plausible:.1f} % pass PoseBusters; GFN2-xTB "
        f"relaxes {100 * found.relaxed:.1f} %, by {found.strain:.2f} kcal/mol and {found.moved:.3f} A in the median, "
        f"and {100 * found.kept:.1f} % of these keep their bonds"
    )
