"""What can be done with finished conformers: relaxation and energies (MMFF94s, GFN2-xTB), pruning by RMSD."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdMolAlign

from molediff.molecules.energies import xtb
from molediff.molecules.errors import ForceFieldError, XTBError
from molediff.runtime.former import former_names

METHODS = {"mmff": "MMFF94s", "gfn2": "GFN2-xTB"}
"""What `relax` and `energies` can be, and the name of the method."""

_MAX_ITERATIONS = 1000
# Symmetric molecules such as neopentane have thousands of automorphisms; the heavy atoms alone, and this many
# of them, suffice.
_MAX_MATCHES = 1000

__getattr__ = former_names(__name__, {"NoForceField": "ForceFieldError"})

OutOfTime = Callable[[], bool]
"""Says whether the time for a molecule is up."""


def relax_conformers(
    mol: Chem.Mol, method: str, fixed: Collection[int] = (), out_of_time: OutOfTime = lambda: False
) -> np.ndarray:
    """Move every conformer of `mol` to its next minimum, in place.

    Args:
        mol: explicit hydrogens, n conformers.
        method: one of `METHODS`.
        fixed: atoms that stay where they are.
        out_of_time: asked before each conformer; once it says yes, the rest is left as it is.

    Returns:
        Energy of each conformer at its minimum in kcal/mol, float64, shape (n,); NaN where it was not relaxed: GFN2-xTB
        failed on it or the time was up.

    Raises:
        ForceFieldError: MMFF94s lacks parameters; the conformers are as they were.
        ImportError: GFN2-xTB is not installed.
    """
    relax = _mmff_relaxation(mol, fixed) if method == "mmff" else _gfn2_relaxation(mol, fixed)
    return np.array([np.nan if out_of_time() else relax(c.GetId()) for c in mol.GetConformers()], float)


def conformer_energies(mol: Chem.Mol, method: str, out_of_time: OutOfTime = lambda: False) -> np.ndarray:
    """Energy of every conformer in kcal/mol, float64, shape (n,); NaN if GFN2-xTB failed on it or the time was up.

    Arguments and errors as of `relax_conformers`.
    """
    energy = _mmff_energy(mol) if method == "mmff" else _gfn2_energy(mol)
    return np.array([np.nan if out_of_time() else energy(c.GetId()) for c in mol.GetConformers()], float)


def _mmff_properties(mol: Chem.Mol) -> Any:
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant=METHODS["mmff"])
    if properties is None:
        raise ForceFieldError("MMFF94s has no parameters for this molecule")
    return properties


def _mmff_relaxation(mol: Chem.Mol, fixed: Collection[int]) -> Callable[[int], float]:
    properties = _mmff_properties(mol)

    def relax(conf_id: int) -> float:
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties, confId=conf_id)
        field.Initialize()
        for atom in fixed:
            field.AddFixedPoint(int(atom))
        field.Minimize(maxIts=_MAX_ITERATIONS)
        return float(field.CalcEnergy())

    return relax


def _mmff_energy(mol: Chem.Mol) -> Callable[[int], float]:
    properties = _mmff_properties(mol)
    return lambda conf_id: rdForceFieldHelpers.MMFFGetMoleculeForceField(
        mol, properties, confId=conf_id
    ).CalcEnergy()


def _gfn2_relaxation(mol: Chem.Mol, fixed: Collection[int]) -> Callable[[int], float]:
    def relax(conf_id: int) -> float:
        try:
            return xtb.relax(mol, conf_id, fixed=fixed)
        except XTBError:
            return np.nan

    return relax


def _gfn2_energy(mol: Chem.Mol) -> Callable[[int], float]:
    def energy(conf_id: int) -> float:
        try:
            return xtb.energy(mol, conf_id)
        except XTBError:
            return np.nan

    return energy


def distinct_conformers(
    mol: Chem.Mol,
    threshold: float,
    energies: np.ndarray | None = None,
    out_of_time: OutOfTime = lambda: False,
) -> list[int]:
    """Positions of the conformers to keep so that no two are within `threshold`, in their order.

    Conformers are visited from low to high energy, or in their order without energies; one is left out if it
    is within the threshold of one that was kept. RMSD in Angstrom on heavy atoms (on all atoms if there are
    none), after the best proper rotation, minimal over the symmetries of the molecule. Memory grows with n alone.

    Args:
        mol: n conformers.
        threshold: in Angstrom.
        energies: shape (n,).
        out_of_time: once it says yes, the conformers not yet visited are kept unseen.
    """
    heavy = Chem.RemoveHs(mol)
    ids = [conformer.GetId() for conformer in heavy.GetConformers()]
    sizes = np.array([_principal_sizes(conformer.GetPositions()) for conformer in heavy.GetConformers()])
    kept: list[int] = []
    order = np.arange(len(ids)) if energies is None else np.argsort(energies, kind="stable")
    for place, candidate in enumerate(order):
        if out_of_time():
            kept += order[place:].tolist()
            break
        # No rotation and no renumbering of atoms brings two sets of points nearer than their principal sizes are (von
        # Neumann's trace inequality), so that the RMSD, which takes 50 us, is needed of few pairs.
        at_least = np.linalg.norm(sizes[kept] - sizes[candidate], axis=-1)
        near = [kept[k] for k in np.argsort(at_least) if at_least[k] < threshold]
        if all(_rmsd(heavy, ids[candidate], ids[other]) >= threshold for other in near):
            kept.append(int(candidate))
    return sorted(kept)


def _principal_sizes(positions: np.ndarray) -> np.ndarray:
    """Root mean square extents along the three principal axes, shape (3,), of points (N, 3)."""
    sizes = np.zeros(3)
    extents = np.linalg.svd(positions - positions.mean(0), compute_uv=False) / np.sqrt(len(positions))
    sizes[: len(extents)] = extents
    return sizes


def _rmsd(mol: Chem.Mol, first: int, second: int) -> float:
    # It also moves the first onto the second, which changes no RMSD.
    return float(rdMolAlign.GetBestRMS(mol, mol, first, second, maxMatches=_MAX_MATCHES))
