"""What can be done with finished conformers: MMFF94s relaxation and energies, pruning by RMSD."""

from __future__ import annotations

from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdMolAlign

_VARIANT = "MMFF94s"
_MAX_ITERATIONS = 1000
# Symmetric molecules such as neopentane have thousands of automorphisms; the heavy atoms alone, and this many
# of them, suffice.
_MAX_MATCHES = 1000


class NoForceField(ValueError):
    """MMFF94s lacks parameters for this molecule."""


def _properties(mol: Chem.Mol) -> Any:
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant=_VARIANT)
    if properties is None:
        raise NoForceField("MMFF94s has no parameters for this molecule")
    return properties


def mmff_relax(mol: Chem.Mol) -> None:
    """Move every conformer of `mol` to its next MMFF94s minimum, in place.

    Raises:
        NoForceField: the conformers are as they were.
    """
    properties = _properties(mol)
    for conformer in mol.GetConformers():
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties, confId=conformer.GetId())
        field.Initialize()
        field.Minimize(maxIts=_MAX_ITERATIONS)


def mmff_energies(mol: Chem.Mol) -> np.ndarray:
    """MMFF94s energy of every conformer in kcal/mol, float64, shape (n,).

    Raises:
        NoForceField: there are no parameters for the molecule.
    """
    properties = _properties(mol)
    return np.array(
        [
            rdForceFieldHelpers.MMFFGetMoleculeForceField(
                mol, properties, confId=conformer.GetId()
            ).CalcEnergy()
            for conformer in mol.GetConformers()
        ]
    )


def distinct_conformers(mol: Chem.Mol, threshold: float, energies: np.ndarray | None = None) -> list[int]:
    """Positions of the conformers to keep so that no two are within `threshold`, in their order.

    Conformers are visited from low to high energy, or in their order without energies; one is left out if it
    is within the threshold of one that was kept. RMSD in Angstrom on heavy atoms (on all atoms if there are
    none), after the best proper rotation, minimal over the symmetries of the molecule.

    Args:
        mol: n conformers.
        threshold: in Angstrom.
        energies: shape (n,).
    """
    num = mol.GetNumConformers()
    if num < 2:
        return list(range(num))
    heavy = Chem.RemoveHs(mol)
    rmsd = np.zeros((num, num))
    rows, columns = np.tril_indices(num, k=-1)
    rmsd[rows, columns] = rdMolAlign.GetAllConformerBestRMS(heavy, numThreads=1, maxMatches=_MAX_MATCHES)
    rmsd = rmsd + rmsd.T
    kept: list[int] = []
    for candidate in range(num) if energies is None else np.argsort(energies, kind="stable"):
        if all(rmsd[candidate, other] >= threshold for other in kept):
            kept.append(int(candidate))
    return sorted(kept)
