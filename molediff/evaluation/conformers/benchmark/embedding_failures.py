"""Success of a method on molecules that ETKDG cannot embed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rdkit.Chem import Mol

from molediff.evaluation.conformers.baselines import etkdg
from molediff.evaluation.conformers.evaluate import run_method
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix


@dataclass(frozen=True)
class EmbeddingFailureResult:
    """How a method does on molecules that another one fails on.

    Attributes:
        num_molecules: on which it was tried.
        num_solved: with at least one conformer.
        best_rmsd: heavy-atom RMSD in Angstrom to the known geometry of the nearest conformer, median over the solved;
            NaN without any.
    """

    num_molecules: int
    num_solved: int
    best_rmsd: float


def find_failures(
    mols: Iterable[Mol], seed: int, method: Callable[[Mol, int, int], Mol | None] = etkdg
) -> list[int]:
    """Places of the molecules of which `method` (ETKDGv3) does not make a single conformer.

    Args:
        mols: molecules with explicit hydrogens and stereo.
        seed: at least 1.
        method: f(mol, num_conformers, seed), None where it fails.
    """
    failed = []
    for place, mol in enumerate(mols):
        made = method(mol, 1, seed)
        if made is None or made.GetNumConformers() == 0:
            failed.append(place)
    return failed


def measure_embedding_failures(
    references: Sequence[Mol], samples: Iterable[Mol | None], num_conformers: int, seed: int
) -> EmbeddingFailureResult:
    """Count the molecules for which there are conformers, and measure the nearest of each.

    Args:
        references: molecules with their known geometry.
        samples: conformers of each, or None, in the same order.
        num_conformers: asked of each.
        seed: that was used.
    """
    counts = [num_conformers] * len(references)
    results = run_method("embedding failures", samples, references, counts, seed)
    best = [
        float(rmsd_matrix(reference, mol).min())
        for reference, (mol, _, _) in zip(references, results, strict=True)
        if mol is not None and mol.GetNumConformers()
    ]
    return EmbeddingFailureResult(
        len(references), len(best), float(np.median(best)) if best else float("nan")
    )
