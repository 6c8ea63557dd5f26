"""Conformers on a molecule, and how much each weighs at a temperature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import Chem

from molediff.runtime.checks import is_positive

ROOM_TEMPERATURE = 298.15  # in Kelvin


GAS_CONSTANT = 8.31446261815324 / 4184  # in kcal/mol/Kelvin (CODATA 2018)


def with_conformers(mol: Chem.Mol, coordinates: Sequence[np.ndarray] | np.ndarray) -> Chem.Mol:
    """A copy of `mol` whose conformers, ids 0 .. n - 1, are `coordinates`, n arrays (N, 3) in Angstrom."""
    filled = Chem.Mol(mol)
    filled.RemoveAllConformers()
    for positions in coordinates:
        conformer = Chem.Conformer(mol.GetNumAtoms())
        conformer.Set3D(True)
        conformer.SetPositions(np.ascontiguousarray(positions, dtype=np.float64))
        filled.AddConformer(conformer, assignId=True)
    return filled


def above_lowest(energies: np.ndarray) -> np.ndarray:
    """Energies (n,) above the lowest of them; NaN stays NaN."""
    return energies - np.nanmin(energies) if np.isfinite(energies).any() else energies


def mean_of_methods(*energies: np.ndarray, weights: Sequence[float] | None = None) -> np.ndarray:
    """Mean of several methods' energies (n,) of the same conformers, NaN where none has one.

    Each method has a zero of its own; they are brought together on the conformers that all of them know.

    Args:
        energies: of each method, NaN where it has none.
        weights: how much each method counts; None: the same.
    """
    each = np.stack(energies)
    is_known = np.isfinite(each)
    shared = is_known & is_known.all(axis=0)
    shared = shared if shared.any() else is_known
    zeros = np.where(shared, each, 0.0).sum(axis=1) / np.maximum(shared.sum(axis=1), 1)
    counts = is_known * np.reshape(np.ones(len(each)) if weights is None else weights, (-1, 1))
    sums = (np.where(is_known, each - zeros[:, None], 0.0) * counts).sum(axis=0)
    return np.where(is_known.any(axis=0), sums / np.maximum(counts.sum(axis=0), 1e-9), np.nan)


def boltzmann_weights(energies: np.ndarray, temperature: float) -> np.ndarray:
    """exp(-E / RT) / sum, shape (n,); a NaN has weight 0.

    Args:
        energies: above the lowest, which has 0, in kcal/mol, shape (n,).
        temperature: in Kelvin.

    Raises:
        ValueError: the temperature is not positive.
    """
    if not is_positive(temperature) or temperature == np.inf:
        raise ValueError(f"temperature must be above 0 Kelvin; got {temperature!r}.")
    weights = np.exp(-np.where(np.isnan(energies), np.inf, energies) / (GAS_CONSTANT * temperature))
    return weights / max(float(weights.sum()), 1.0)  # without any energy there is nothing to divide
