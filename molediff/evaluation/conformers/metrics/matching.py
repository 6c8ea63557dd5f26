"""Mean distance from one set of conformers to the nearest of another."""

from __future__ import annotations

import numpy as np


def matching(rmsd: np.ndarray) -> float:
    """Mean over references of the RMSD to the nearest sample (MAT-R), in Angstrom.

    With the transposed matrix it is the mean over samples to the nearest reference (MAT-P). For a single reference
    MAT-R is the best of n and MAT-P the mean of n. Without samples there is no distance: NaN.

    Args:
        rmsd: symmetry-aware heavy-atom RMSD, shape (num_references, num_samples), in Angstrom.

    Source: Ganea et al. 2021 (GeoMol), eq. 8.
    """
    if rmsd.size == 0:
        return float("nan")
    return float(rmsd.min(axis=1).mean())
