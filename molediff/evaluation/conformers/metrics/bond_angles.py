"""Bond angles, sorted by the kind of angle."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from rdkit.Chem import Atom, Mol

from molediff.evaluation.conformers.metrics.bond_lengths import conformer_positions, element_order


def bond_angles(mol: Mol) -> dict[str, np.ndarray]:
    """Angles between all pairs of bonds that share an atom, by kind, in degrees.

    A kind is the elements of the ends, and element and hybridization of the atom in the middle: `C-C(sp3)-O`.

    Args:
        mol: molecule with num_conformers conformers.

    Returns:
        For each kind an array (num_conformers, number of such angles), values in [0, 180].
    """
    angles: dict[str, list[tuple[int, int, int]]] = {}
    for centre in mol.GetAtoms():
        for first, second in combinations(sorted(centre.GetNeighbors(), key=element_order), 2):
            triple = (first.GetIdx(), centre.GetIdx(), second.GetIdx())
            angles.setdefault(_kind(first, centre, second), []).append(triple)
    positions = conformer_positions(mol)
    degrees = {}
    for kind, triples in sorted(angles.items()):
        first_index, centre_index, second_index = np.array(triples).T
        one = _unit(positions[:, first_index] - positions[:, centre_index])
        other = _unit(positions[:, second_index] - positions[:, centre_index])
        # Accurate near 0 and 180 degrees, where arccos is not (Kahan 2006, "How Futile are Mindless Assessments").
        half = np.arctan2(np.linalg.norm(one - other, axis=-1), np.linalg.norm(one + other, axis=-1))
        degrees[kind] = np.degrees(2 * half)
    return degrees


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _kind(first: Atom, centre: Atom, second: Atom) -> str:
    hybridization = str(centre.GetHybridization()).lower()
    return f"{first.GetSymbol()}-{centre.GetSymbol()}({hybridization})-{second.GetSymbol()}"
