"""Minima of an energy surface: which are the same, how low they lie and how often they are met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import with_conformers
from molediff.molecules.rmsd import heavy_atom_rmsd

# Two geometries are one minimum if they agree in both: the thresholds of CREST (Pracht, Bohle, Grimme 2020, Phys. Chem.
# Chem. Phys. 22, 7169), whose RMSD is of all atoms.
DUPLICATE_RMSD = 0.125  # Angstrom, heavy atoms
DUPLICATE_ENERGY = 0.05  # kcal/mol

LOW_WINDOW = 2.5
"""kcal/mol above the lowest minimum: those that matter at room temperature, by which completeness is judged."""


class Minimum(NamedTuple):
    """A minimum: positions (N, 3) in Angstrom, total energy in kcal/mol, where its start came from."""

    positions: np.ndarray
    energy: float
    source: str


def num_low(minima: Sequence[Minimum], reference: Sequence[Minimum]) -> int:
    """How many of `minima` lie within `LOW_WINDOW` above the first of `reference`."""
    return sum(minimum.energy - reference[0].energy <= LOW_WINDOW for minimum in minima)


def within(minima: Sequence[Minimum], window: float) -> list[Minimum]:
    """The minima up to `window` kcal/mol above the lowest, which comes first."""
    return [minimum for minimum in minima if minimum.energy - minima[0].energy <= window]


def distinct_minima(mol: Chem.Mol, minima: Sequence[Minimum]) -> list[Minimum]:
    """The minima without duplicates, by rising energy; of duplicates the lowest stays."""
    kept: list[Minimum] = []
    for minimum in sorted(minima, key=lambda minimum: minimum.energy):
        if not is_known(mol, minimum, kept):
            kept.append(minimum)
    return kept


def is_known(mol: Chem.Mol, minimum: Minimum, others: Sequence[Minimum]) -> bool:
    """Whether one of `others` has the same energy and, up to rotations and symmetries, the same heavy atoms."""
    near = [other for other in others if abs(other.energy - minimum.energy) < DUPLICATE_ENERGY]
    if not near:
        return False
    heavy = Chem.RemoveHs(with_conformers(mol, [minimum.positions, *(other.positions for other in near)]))
    return any(
        heavy_atom_rmsd(Chem.Mol(heavy), heavy, 0, place) < DUPLICATE_RMSD
        for place in range(1, len(near) + 1)
    )
