"""What chemists use today: RDKit's distance geometry, with and without a force field."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from rdkit.Chem import Mol, rdDistGeom

from molediff.molecules.energies.relax import relax_conformers
from molediff.molecules.errors import ForceFieldError


def etkdg(mol: Mol, num_conformers: int, seed: int, max_seconds: int = 0) -> Mol | None:
    """Conformers by ETKDGv3 as RDKit does it by default, on one thread, without pruning.

    Args:
        mol: molecule with explicit hydrogens; its stereo is asked for, its coordinates are not used and not changed.
        num_conformers: number asked for; RDKit may return fewer.
        seed: at least 1, since RDKit does not treat 0 as a seed like the others.
        max_seconds: after which it gives up; 0 for any.

    Returns:
        A copy with the conformers, or None if not one could be embedded.

    Raises:
        ValueError: the seed is below 1.

    Source: Wang et al. 2020, "Improving Conformer Generation for Small Rings and Macrocycles" (ETKDGv3).
    """
    if seed < 1:
        raise ValueError(f"the seed of ETKDG is {seed}, but must be at least 1")
    embedded = Mol(mol)
    embedded.RemoveAllConformers()
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed
    parameters.numThreads = 1
    parameters.timeout = max_seconds
    conformer_ids = rdDistGeom.EmbedMultipleConfs(embedded, num_conformers, parameters)
    return embedded if len(conformer_ids) > 0 else None


def etkdg_mmff(mol: Mol, num_conformers: int, seed: int) -> Mol | None:
    """Conformers by ETKDGv3, each relaxed to a minimum of MMFF94s; arguments and result as `etkdg`.

    A molecule that MMFF94s does not describe keeps its ETKDGv3 geometries.
    """
    embedded = etkdg(mol, num_conformers, seed)
    if embedded is not None:
        with suppress(ForceFieldError):
            relax_conformers(embedded, "mmff")
    return embedded
