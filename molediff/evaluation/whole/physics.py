"""What is said of whole molecules by checks that know no look-up: PoseBusters, and where GFN2-xTB takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rdkit import Chem

from molediff.evaluation.report.plausibility import plausibility_checks
from molediff.evaluation.whole.metrics.lookup import lookup_smiles, of_mol
from molediff.molecules.energies.xtb import energy, relax
from molediff.molecules.errors import XTBError
from molediff.molecules.rmsd import heavy_atom_rmsd


@dataclass(frozen=True)
class Plausibility:
    """Of molecules that have a shape, by PoseBusters' checks of a molecule alone.

    Attributes:
        num_molecules: looked at.
        passed: share that passes all checks.
        failed: how many failed each check that any failed.
    """

    num_molecules: int
    passed: float
    failed: dict[str, int] = field(default_factory=dict)


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


def plausibility_of(mols: Sequence[Chem.Mol]) -> Plausibility:
    """Look at molecules with explicit hydrogens and one conformer each; 20 ms a molecule.

    Raises:
        ModuleNotFoundError: PoseBusters is not installed.
    """
    checks = [one for mol in mols for one in plausibility_checks(mol, max_conformers=1)]
    failed = Counter(name for one in checks for name, passed in one.items() if not passed)
    return Plausibility(len(checks), float(np.mean([all(one.values()) for one in checks])), dict(failed))


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


def checked_cells(plausible: Plausibility | None, physics: Physics | None) -> list[str]:
    """Cells of a table of both, see `page.CHECKED_HEAD`; empty where one was not asked for."""
    found = ["", ""] if plausible is None else [f"{plausible.num_molecules}", f"{100 * plausible.passed:.1f}"]
    if physics is None:
        return [*found, *[""] * 5]
    return [
        *found,
        f"{physics.num_molecules}",
        f"{100 * physics.relaxed:.1f}",
        f"{100 * physics.kept:.1f}",
        f"{physics.strain:.2f}",
        f"{physics.moved:.3f}",
    ]
