"""How far conformers are from the minima of GFN2-xTB, in energy and in place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol

from molediff.molecules.energies.xtb import energy, relax
from molediff.molecules.errors import XTBError
from molediff.molecules.rmsd import heavy_atom_rmsd


class XtbRelaxation(NamedTuple):
    """What relaxation by GFN2-xTB changed.

    Attributes:
        strain: energy of each conformer above the minimum that it relaxes to, in kcal/mol, shape (n,).
        moved: heavy-atom RMSD between each conformer and that minimum, in Angstrom, shape (n,).

    NaN where GFN2-xTB gave no energy or no minimum.
    """

    strain: np.ndarray
    moved: np.ndarray


def xtb_relaxation(mol: Mol, max_conformers: int | None = None) -> XtbRelaxation:
    """Relax conformers and compare them with where they came to lie.

    Args:
        mol: molecule with explicit hydrogens and conformers; not changed.
        max_conformers: look at the first so many; None for all.

    Raises:
        ImportError: tblite is not installed.
    """
    strain, moved = [], []
    for conformer in list(mol.GetConformers())[:max_conformers]:
        relaxed = Mol(mol, confId=conformer.GetId())
        try:
            before = energy(relaxed)
            strain.append(before - relax(relaxed))
        except XTBError:
            strain.append(np.nan)
            moved.append(np.nan)
            continue
        given = Chem.RemoveHs(Mol(mol, confId=conformer.GetId()))
        moved.append(heavy_atom_rmsd(Chem.RemoveHs(relaxed), given))
    return XtbRelaxation(np.array(strain), np.array(moved))
