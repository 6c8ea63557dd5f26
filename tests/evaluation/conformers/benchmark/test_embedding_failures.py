"""Molecules that one method fails on and another does not."""

import numpy as np
import pytest
from rdkit.Chem import Mol

from molediff.evaluation.conformers.baselines import etkdg
from molediff.evaluation.conformers.benchmark.embedding_failures import (
    find_failures,
    measure_embedding_failures,
)


def no_amines(mol: Mol, num_conformers: int, seed: int) -> Mol | None:
    return None if any(a.GetAtomicNum() == 7 for a in mol.GetAtoms()) else etkdg(mol, num_conformers, seed)


def test_failures_are_those_without_a_conformer(embed):
    mols = [embed(smiles) for smiles in ("CCO", "CCN", "CC", "N")]
    assert find_failures(mols, 1, no_amines) == [1, 3]
    assert find_failures(mols, 1) == []


def test_rescue_counts_the_solved_and_measures_them_alone(embed):
    references = [embed("CCO"), embed("CCN"), embed("CCF")]
    empty = Mol(references[1])
    empty.RemoveAllConformers()
    found = measure_embedding_failures(references, iter([Mol(references[0]), empty, None]), 5, 1)
    assert (found.num_molecules, found.num_solved) == (3, 1)
    assert found.best_rmsd == pytest.approx(0.0, abs=1e-4)
    assert np.isnan(measure_embedding_failures(references, iter([None] * 3), 5, 1).best_rmsd)
