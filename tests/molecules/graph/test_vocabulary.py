"""Two vocabularies: QM9's, which must stay what it was, and that of all organic molecules."""

from types import SimpleNamespace

import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.graph.features import featurize
from molediff.molecules.graph.vocabulary import ORGANIC, QM9, Vocabulary, vocabulary_of


def features(smiles: str, vocabulary: Vocabulary = ORGANIC):
    return featurize(Chem.AddHs(Chem.MolFromSmiles(smiles)), vocabulary)


def pairs(smiles: str, column: int, vocabulary: Vocabulary = ORGANIC) -> np.ndarray:
    """One category of all pairs of atoms, shape (N, N)."""
    return vocabulary.pair_table[features(smiles, vocabulary).pair_words][..., column]


def test_every_element_has_a_code_of_its_own_and_hydrogen_the_first():
    smiles = ["B", "C", "N", "O", "F", "[SiH4]", "P", "S", "Cl", "[SeH2]", "Br", "I"]
    codes = [features(one).node_codes[0, 0] for one in smiles]
    assert len(set(codes)) == len(smiles)
    assert features("C").node_codes[1, 0] == 1


@pytest.mark.parametrize("vocabulary", [QM9, ORGANIC], ids=["qm9", "organic"])
def test_a_word_of_16_bits_holds_every_pair(vocabulary: Vocabulary):
    table = vocabulary.pair_table
    assert len(table) == np.prod(vocabulary.pair_cardinalities) < 2**16
    assert len(np.unique(table, axis=0)) == len(table)


def test_qm9_distances_are_told_apart_up_to_eleven_bonds():
    codes = QM9.distance_codes(np.array([0.0, 1, 10, 11, 12, 40, 1e8]))
    np.testing.assert_array_equal(codes, [1, 2, 11, 12, 12, 12, 12])


def test_organic_distances_go_on_in_steps_and_know_what_no_path_joins():
    codes = ORGANIC.distance_codes(np.array([0.0, 11, 12, 13, 14, 16, 17, 21, 22, 90, 1e8]))
    np.testing.assert_array_equal(codes, [1, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17])
    assert codes.max() == ORGANIC.pair_cardinalities[1] - 1


@pytest.mark.parametrize(
    ("size", "of_qm9", "of_organic"),
    [(3, 1, 1), (7, 5, 5), (8, 5, 6), (9, 5, 7), (11, 5, 7), (12, 5, 8), (40, 5, 8)],
)
def test_ring_sizes(size: int, of_qm9: int, of_organic: int):
    ring = "C1" + "C" * (size - 2) + "C1"
    for vocabulary, code in ((QM9, of_qm9), (ORGANIC, of_organic)):
        assert vocabulary.ring_code(size) == code
        assert pairs(ring, 2, vocabulary)[0, 1] == code
        assert features(ring, vocabulary).node_codes[0, 6] == 1 + code


def test_spiro_and_fused_atoms_have_more_bonds_in_rings():
    codes = features("C1CC12CCC2CC").node_codes[:, 7]
    np.testing.assert_array_equal(codes[:8], [2, 2, 4, 2, 2, 2, 1, 1])


@pytest.mark.parametrize(
    "smiles", ["FS(F)(F)(F)(F)F", "FP(F)(F)(F)F", "C[N+](=O)[O-]", "CS(C)(=O)=O", "CN=[N+]=[N-]"]
)
def test_many_neighbours_and_charges_are_in_range(smiles: str):
    codes = features(smiles).node_codes
    assert (codes > 0).all()
    assert (codes < np.array(ORGANIC.node_cardinalities)).all()


def test_six_neighbours_are_not_five():
    assert features("FS(F)(F)(F)(F)F").node_codes[1, 2] != features("FP(F)(F)(F)F").node_codes[1, 2]


def test_an_unknown_element_is_named():
    with pytest.raises(ValueError, match=r"Atom 0 is Sn; only H, B, C, .* and I are known"):
        features("[SnH4]")


def test_weights_choose_the_vocabulary_by_their_cardinalities():
    assert vocabulary_of(SimpleNamespace()) is QM9
    assert vocabulary_of(SimpleNamespace(node_cardinalities=list(ORGANIC.node_cardinalities))) is ORGANIC
    with pytest.raises(ValueError, match="No vocabulary"):
        vocabulary_of(SimpleNamespace(node_cardinalities=(3, 4)))
