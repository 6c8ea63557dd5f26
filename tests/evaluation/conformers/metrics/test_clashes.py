import numpy as np
import pytest
from rdkit import Chem

from molediff.evaluation.conformers.metrics.clashes import CLASH_FACTOR, is_clash_free


def four_carbons_in_a_row(place, gap: float) -> Chem.Mol:
    """A chain of four carbons bent so that its ends are `gap` Angstrom apart."""
    return place("CCCC", [[-gap / 2, 0, 0], [-0.75, 1.4, 0], [0.75, 1.4, 0], [gap / 2, 0, 0]])


@pytest.mark.parametrize(("factor", "free"), [(1.01, True), (0.99, False)])
def test_ends_of_a_chain_just_beyond_and_within_the_limit(place, factor, free):
    limit = CLASH_FACTOR * 2 * 1.7
    assert is_clash_free(four_carbons_in_a_row(place, factor * limit)).tolist() == [free]


def test_bonded_atoms_and_their_neighbours_do_not_clash(embed):
    assert is_clash_free(embed("C1CC1", num_conformers=2)).all()


def test_each_conformer_is_judged_by_itself(embed):
    mol = embed("CCCCCO", num_conformers=2)
    positions = mol.GetConformer(1).GetPositions()
    positions[5] = positions[0] + [0.5, 0, 0]
    mol.GetConformer(1).SetPositions(positions)
    assert is_clash_free(mol).tolist() == [True, False]


def test_molecule_without_distant_atoms_is_free(embed):
    assert is_clash_free(embed("O")).dtype == np.bool_
    assert is_clash_free(embed("O")).all()
