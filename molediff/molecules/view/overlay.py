"""Conformers laid on each other for the eye: best heavy atoms on heavy atoms, broadside to the viewer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolAlign

_MAX_MATCHES = 64  # of symmetric atoms: for the eye, in a fraction of a second


def overlaid(mol: Chem.Mol, conformer_ids: Sequence[int] | None = None) -> np.ndarray:
    """Coordinates of conformers after the best proper rotation of each onto the first, in Angstrom, shape (n, N, 3).

    Heavy atoms count, in whichever of their symmetric orders fits best; a molecule without two of them is laid on by
    all its atoms. The first lies with its longest axis along x and its shortest towards the viewer.

    Args:
        mol: n conformers of one molecule.
        conformer_ids: which of them, in this order; None: all.
    """
    ids = [conformer.GetId() for conformer in mol.GetConformers()] if conformer_ids is None else conformer_ids
    if not ids:
        return np.zeros((0, mol.GetNumAtoms(), 3))
    heavy = Chem.RemoveHs(mol)
    counted = heavy if heavy.GetNumAtoms() > 1 else mol
    x = np.stack([mol.GetConformer(i).GetPositions() for i in ids])
    for row, i in enumerate(ids[1:], start=1):
        turn = _transform(counted, i, ids[0])
        x[row] = x[row] @ turn[:3, :3].T + turn[:3, 3]
    centre = x[0].mean(axis=0)
    axes = np.linalg.svd(x[0] - centre, full_matrices=True)[2]
    axes[2] *= np.sign(np.linalg.det(axes))
    return np.asarray((x - centre) @ axes.T)


def _transform(mol: Chem.Mol, moved: int, fixed: int) -> np.ndarray:
    """The motion (4, 4) of one conformer onto another."""
    found = rdMolAlign.GetBestAlignmentTransform(mol, mol, moved, fixed, maxMatches=_MAX_MATCHES)[1]
    return np.asarray(found)
