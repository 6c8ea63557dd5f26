"""How flat rings are, sorted by the kind of ring."""

from __future__ import annotations

import numpy as np
from rdkit.Chem import Mol

from molediff.evaluation.conformers.metrics.bond_lengths import conformer_positions


def ring_planarity(mol: Mol) -> dict[str, np.ndarray]:
    """Largest distance of a ring atom from the ring's best plane, by kind of ring, in Angstrom.

    A kind is the number of atoms and whether all bonds are aromatic: `aromatic 6-ring`, `4-ring`. Rings of three atoms
    are always flat and left out.

    Args:
        mol: molecule with num_conformers conformers.

    Returns:
        For each kind an array (num_conformers, number of such rings); a flat ring has 0.
    """
    positions = conformer_positions(mol)
    rings: dict[str, list[np.ndarray]] = {}
    ring_info = mol.GetRingInfo()
    for atoms, bonds in zip(ring_info.AtomRings(), ring_info.BondRings(), strict=True):
        if len(atoms) < 4:
            continue
        aromatic = all(mol.GetBondWithIdx(bond).GetIsAromatic() for bond in bonds)
        kind = f"{'aromatic ' if aromatic else ''}{len(atoms)}-ring"
        rings.setdefault(kind, []).append(_distance_from_plane(positions[:, list(atoms)]))
    return {kind: np.stack(columns, axis=1) for kind, columns in sorted(rings.items())}


def _distance_from_plane(positions: np.ndarray) -> np.ndarray:
    """Largest distance from the least-squares plane; (num_conformers, num_ring_atoms, 3) -> (num_conformers,)."""
    centred = positions - positions.mean(axis=1, keepdims=True)
    normals = np.linalg.svd(centred, full_matrices=False)[2][:, -1]
    return np.abs(np.einsum("cai,ci->ca", centred, normals)).max(axis=1)
