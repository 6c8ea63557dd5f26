"""Coverage of one set of conformers by another."""

from __future__ import annotations

import numpy as np


def coverage(rmsd: np.ndarray, threshold: float) -> float:
    """Fraction of reference conformers that some sample comes within `threshold` Angstrom of (COV-R).

    With the transposed matrix it is the fraction of samples near some reference (COV-P). Without samples it is 0.

    Args:
        rmsd: symmetry-aware heavy-atom RMSD, shape (num_references, num_samples), in Angstrom.
        threshold: strict upper bound, in Angstrom.

    Source: Ganea et al. 2021 (GeoMol), eq. 7.
    """
    if rmsd.size == 0:
        return 0.0
    return float((rmsd.min(axis=1) < threshold).mean())
