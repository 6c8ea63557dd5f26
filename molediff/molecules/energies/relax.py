"""What can be done with finished conformers: relaxation, energies (MMFF94s, GFN2-xTB, AIMNet2), pruning by RMSD."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from molediff.molecules.energies import aimnet2, xtb
from molediff.molecules.energies.mmff import MMFF, VARIANT, RelaxedConformer
from molediff.molecules.errors import ForceFieldError as ForceFieldError
from molediff.molecules.errors import XTBError
from molediff.molecules.rmsd import heavy_atom_rmsd
from molediff.runtime.checks import check_word
from molediff.runtime.former import former_names

METHODS = {"mmff": VARIANT, "gfn2": "GFN2-xTB", "aimnet2": aimnet2.NAME}
"""What `relax` and `energies` can be, and the name of the method."""

LEARNED = "learned"
"""What `energies` can be, too: those that the network tells of its own conformers, as it has learned them."""


__getattr__ = former_names(__name__, {"NoForceField": "ForceFieldError"})

_CUMULATED = Chem.MolFromSmarts("[*]-[NX2]=[CX2]=[*]")
_LEAST_AT_NITROGEN = (
    116.0  # degrees: HN=C=NH has 118, ketenimines, isocyanates and isothiocyanates 124 to 150
)

OutOfTime = Callable[[], bool]
"""Says whether the time for a molecule is up."""


class Relaxed(NamedTuple):
    """What became of n conformers that were relaxed.

    Attributes:
        energies: in kcal/mol, float64, shape (n,); NaN where a conformer was not relaxed: the method failed on it
            or the time was up.
        converged: whether it is at a minimum, bool, shape (n,).
        late: whether the time was up before it was relaxed, bool, shape (n,).
    """

    energies: np.ndarray
    converged: np.ndarray
    late: np.ndarray


def relax_conformers(
    mol: Chem.Mol,
    method: str,
    fixed: Collection[int] = (),
    out_of_time: OutOfTime = lambda: False,
    device: str = "cpu",
) -> Relaxed:
    """Move every conformer of `mol` to its next minimum, in place.

    Args:
        mol: explicit hydrogens, n conformers.
        method: one of `METHODS`.
        fixed: atoms that stay where they are.
        out_of_time: asked before each conformer (AIMNet2, which moves all at once: before each step); once it says yes,
            the rest is left as it is.
        device: of AIMNet2, "cpu" or "cuda".

    Raises:
        ForceFieldError: the method does not describe the molecule; the conformers are as they were.
        ValueError: there is no such method.
        ImportError: GFN2-xTB or AIMNet2 is not installed.
    """
    check_word("method", method, tuple(METHODS))
    if method == "aimnet2":
        found = aimnet2.relax(mol, fixed, device, out_of_time)
        return Relaxed(found.energies, found.converged, found.late)
    relax = _mmff_relaxation(mol, fixed) if method == "mmff" else _gfn2_relaxation(mol, fixed)
    done = [None if out_of_time() else relax(c.GetId()) for c in mol.GetConformers()]
    ended = [RelaxedConformer(np.nan, False) if one is None else one for one in done]
    return Relaxed(
        np.array([one.energy for one in ended], float),
        np.array([one.converged for one in ended], bool),
        np.array([one is None for one in done], bool),
    )


def conformer_energies(
    mol: Chem.Mol, method: str, out_of_time: OutOfTime = lambda: False, device: str = "cpu"
) -> np.ndarray:
    """Energy of every conformer in kcal/mol, float64, shape (n,); NaN if the method failed on it or the time was up.

    Arguments and errors as of `relax_conformers`.
    """
    check_word("method", method, tuple(METHODS))
    if method == "aimnet2":
        return aimnet2.energies(mol, device, out_of_time)
    energy = _mmff(mol).energy if method == "mmff" else _gfn2_energy(mol)
    return np.array([np.nan if out_of_time() else energy(c.GetId()) for c in mol.GetConformers()], float)


def _mmff(mol: Chem.Mol) -> MMFF:
    """MMFF94s of a molecule, if it does not take an N=C=X for an imine: of most it lacks parameters at the nitrogen."""
    field = MMFF(mol)
    typed = Chem.Mol(mol)  # which RDKit changes
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(typed, VARIANT)
    for i, j, k, x in mol.GetSubstructMatches(_CUMULATED):
        bend = properties.GetMMFFAngleBendParams(typed, i, j, k)
        if bend is not None and bend[2] < _LEAST_AT_NITROGEN:
            first, last = (mol.GetAtomWithIdx(atom).GetSymbol() for atom in (i, x))
            raise ForceFieldError(
                f"force field not applicable: {VARIANT} has no parameters of {first}-N=C={last} and bends it to "
                f"{bend[2]:.0f} degrees at N, as an imine"
            )
    return field


def _mmff_relaxation(mol: Chem.Mol, fixed: Collection[int]) -> Callable[[int], RelaxedConformer]:
    field = _mmff(mol)
    return lambda conf_id: field.relax(conf_id, fixed)


def _gfn2_relaxation(mol: Chem.Mol, fixed: Collection[int]) -> Callable[[int], RelaxedConformer]:
    def relax(conf_id: int) -> RelaxedConformer:
        try:
            return RelaxedConformer(xtb.relax(mol, conf_id, fixed=fixed), True)
        except XTBError:
            return RelaxedConformer(np.nan, False)

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
    most_apart: float | None = None,
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
        most_apart: those whose energies differ by more than this are not the same, in kcal/mol.
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
        if energies is not None and most_apart is not None:
            near = [other for other in near if not abs(energies[other] - energies[candidate]) > most_apart]
        if all(heavy_atom_rmsd(heavy, heavy, ids[candidate], ids[other]) >= threshold for other in near):
            kept.append(int(candidate))
    return sorted(kept)


def _principal_sizes(positions: np.ndarray) -> np.ndarray:
    """Root mean square extents along the three principal axes, shape (3,), of points (N, 3)."""
    sizes = np.zeros(3)
    extents = np.linalg.svd(positions - positions.mean(0), compute_uv=False) / np.sqrt(len(positions))
    sizes[: len(extents)] = extents
    return sizes
