"""`benchmark=energies`: how well cheap energies tell which conformers of a molecule lie low, judged by AIMNet2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rdkit import Chem, rdBase

from molediff.evaluation.conformers.references import read_references
from molediff.molecules.auto import AutoGenerator
from molediff.molecules.conformers import mean_of_methods
from molediff.molecules.energies.relax import LEARNED, METHODS, conformer_energies
from molediff.molecules.errors import ForceFieldError
from molediff.molecules.generator import ConformerGenerator
from molediff.runtime.checks import check_whole_number, check_word
from molediff.runtime.progress import tqdm

_BOTH = "mean of learned and MMFF94s"
_LEAST = 3  # conformers of a molecule: two are in the right order or not


def measure(
    weights: str,
    molecules: str,
    num_molecules: int | None,
    num_conformers: int,
    others: Sequence[str],
    judge: str,
    seed: int,
    progress: bool = False,
) -> dict[str, Any]:
    """Run what `configs/benchmark/energies.yaml` asks for, print a table, and return its figures."""
    for name, method in (("judge", judge), *(("others", other) for other in others)):
        check_word(name, method, tuple(METHODS))
    check_whole_number("num_conformers", num_conformers, least=_LEAST)
    generator = ConformerGenerator.from_pretrained(weights)
    telling = generator.general if isinstance(generator, AutoGenerator) else generator
    if not telling.model.gives_energies:
        raise ValueError(
            f"The weights {telling.weights} tell no energies, which are to be judged here: take some that do, such as "
            "'drugs'."
        )
    rows: dict[str, list[dict[str, float]]] = {}
    for reference in tqdm(
        read_references(molecules)[:num_molecules], disable=not progress, unit=" molecules"
    ):
        for name, row in _compared(generator, reference, num_conformers, others, judge, seed).items():
            rows.setdefault(name, []).append(row)
    found = []
    for name, own in rows.items():
        means: dict[str, Any] = {key: float(np.mean([row[key] for row in own])) for key in own[0]}
        found.append({"method": name, "molecules": len(own), **means})
    for row in found:
        print("  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{v}" for k, v in row.items()))
    return {"judge": METHODS[judge], "rows": found}


def _compared(
    generator: ConformerGenerator,
    reference: Chem.Mol,
    num_conformers: int,
    others: Sequence[str],
    judge: str,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Errors of each method on the conformers of one molecule; none where fewer than `_LEAST` have both energies."""
    with rdBase.BlockLogs():
        result = generator.generate(Chem.RemoveHs(reference), num_conformers, seed, energies=LEARNED)
        if result.mol is None or result.energies is None:
            return {}
        try:
            truth = conformer_energies(result.mol, judge)
        except ForceFieldError:  # of an element that the judge does not know
            return {}
        found = {LEARNED: result.energies}
        for method in others:
            try:
                found[METHODS[method]] = conformer_energies(result.mol, method)
            except ForceFieldError:
                continue
    if METHODS["mmff"] in found:
        found[_BOTH] = mean_of_methods(found[LEARNED], found[METHODS["mmff"]])
    return {
        name: errors(own, truth) for name, own in found.items() if np.isfinite(own + truth).sum() >= _LEAST
    }


def errors(energies: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How far energies (n,) are off true ones, all in kcal/mol; the zeros of both mean nothing.

    Returns:
        Mean absolute and root mean square error of the differences from the mean, the rank correlation, and how far
        the conformer that is said to be the lowest lies above the one that is. What is not known is left out.
    """
    known = np.isfinite(energies) & np.isfinite(truth)
    energies, truth = energies[known], truth[known]
    off = (energies - energies.mean()) - (truth - truth.mean())
    return {
        "mean absolute error": float(np.abs(off).mean()),
        "root mean square error": float(np.sqrt((off**2).mean())),
        "rank correlation": _rank_correlation(energies, truth),
        "lowest is above the lowest by": float(truth[energies.argmin()] - truth.min()),
    }


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's, of values without ties."""
    ranks = [np.argsort(np.argsort(values)).astype(float) for values in (x, y)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
