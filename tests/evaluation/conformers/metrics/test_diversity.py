import numpy as np
import pytest

from molediff.evaluation.conformers.metrics.diversity import diversity
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix


def test_mean_over_pairs(embed):
    mol = embed("CCCC(C)O", num_conformers=4)
    expected = rmsd_matrix(mol, mol)[np.triu_indices(4, k=1)].mean()
    assert diversity(mol) == pytest.approx(expected, abs=1e-4)
    assert expected > 0.1


def test_copies_have_none(place):
    line = [[0.0, 0, 0], [1.5, 0, 0], [3.0, 0, 0]]
    assert diversity(place("CCC", [line, line])) == pytest.approx(0.0, abs=1e-6)


def test_one_conformer_has_no_diversity(embed):
    assert np.isnan(diversity(embed("CCO")))


def test_the_bound_on_symmetric_mappings_is_that_of_the_rmsd(embed):
    """Of a molecule with more mappings than the bound, both search the same ones."""
    mol = embed("CC(C)(C)C(C(C)(C)C)(C(C)(C)C)C(C)(C)C", num_conformers=2)  # 4! times 3!^4 mappings
    assert diversity(mol) == pytest.approx(float(rmsd_matrix(mol, mol)[0, 1]), abs=1e-3)
