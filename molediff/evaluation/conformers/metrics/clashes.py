"""Atoms that are not bonded and stand too close."""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import Mol

CLASH_FACTOR = 0.65
"""Share of the sum of van der Waals radii below which two atoms clash: 99.9 % of QM9's B3LYP geometries have no such
pair, and the closest contacts in them are hydrogen bonds (O...H from 0.65; one proton transfer at 0.50)."""


def is_clash_free(mol: Mol, factor: float = CLASH_FACTOR) -> np.ndarray:
    """Whether no two atoms at least three bonds apart are closer than `factor` times the sum of their radii.

    Hydrogens count. Atoms one or two bonds apart are judged by bond lengths and angles.

    Args:
        mol: molecule with explicit hydrogens and num_conformers conformers.
        factor: dimensionless; radii are RDKit's van der Waals radii (H 1.2, C 1.7, N 1.6, O 1.55, F 1.5 Angstrom).

    Returns:
        Booleans (num_conformers,), in the order of the conformers.
    """
    table = Chem.GetPeriodicTable()
    radii = np.array([table.GetRvdw(atom.GetAtomicNum()) for atom in mol.GetAtoms()])
    first, second = np.nonzero(np.triu(Chem.GetDistanceMatrix(mol) >= 3))
    allowed = factor * (radii[first] + radii[second])
    clash_free = []
    for conformer in mol.GetConformers():
        positions = conformer.GetPositions()
        distances = np.linalg.norm(positions[first] - positions[second], axis=-1)
        clash_free.append(bool((distances >= allowed).all()))
    return np.array(clash_free, dtype=bool)
