"""Bond lengths, angles and rings of many molecules against those of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit.Chem import Mol

from molediff.evaluation.conformers.metrics.bond_angles import bond_angles
from molediff.evaluation.conformers.metrics.bond_lengths import bond_lengths
from molediff.evaluation.conformers.metrics.distributions import (
    distribution_distance,
    fraction_outside,
    pool,
)
from molediff.evaluation.conformers.metrics.ring_planarity import ring_planarity
from molediff.evaluation.conformers.results import Comparison


@dataclass(frozen=True)
class Geometry:
    """Bond lengths (Angstrom), bond angles (degrees) and ring planarity (Angstrom) of one molecule, by kind."""

    bond_lengths: Mapping[str, np.ndarray]
    bond_angles: Mapping[str, np.ndarray]
    ring_planarity: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, mol: Mol) -> Geometry:
        """Measure all conformers of `mol`."""
        return cls(bond_lengths(mol), bond_angles(mol), ring_planarity(mol))


def distance_from_data(values: Sequence[Any], comparison: Comparison, kind: str) -> float:
    """Wasserstein distance from the reference geometries of the same molecules, those that failed left out."""
    solved = [not molecule.failed for molecule in comparison.molecules]
    samples = pool(getattr(value, kind) for value, there in zip(values, solved, strict=True) if there)
    matched = pool(
        getattr(truth["geometry"], kind)
        for truth, there in zip(comparison.data, solved, strict=True)
        if there
    )
    return distribution_distance(samples, matched)


def fraction_unusual(values: Sequence[Any], comparison: Comparison, kind: str) -> float:
    """Fraction outside the usual range of each kind of bond, angle or ring."""
    samples = pool(
        getattr(value, kind)
        for value, molecule in zip(values, comparison.molecules, strict=True)
        if not molecule.failed
    )
    return fraction_outside(samples, pool(getattr(usual, kind) for usual in comparison.usual))
