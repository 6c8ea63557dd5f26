"""Molecules to states and back, and what no molecule is."""

import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.whole.alphabet import QM9
from molediff.molecules.whole.data import Graphs
from molediff.molecules.whole.familiar import Familiar
from molediff.molecules.whole.graphs import GraphError, matrix_of, mol_of, state_of
from molediff.molecules.whole.sampler import log_num_numberings

SMILES = [
    "C",
    "CCO",
    "c1ccoc1",
    "c1cc[nH]c1",
    "C#CC1CC1(N)C=O",
    "[NH3+]CC(=O)[O-]",
    "[C-]#[N+]C",
    "FC(F)(F)C1CO1",
    "C1CC2CC1O2",
    "[H]/N=C1\\CN1",
    "Cc1nnc[nH]1",
]


@pytest.mark.parametrize("smiles", SMILES)
def test_a_molecule_comes_back_from_its_state(smiles):
    found = mol_of(state_of(Chem.MolFromSmiles(smiles), QM9), QM9)
    expected = Chem.MolToSmiles(Chem.RemoveAllHs(Chem.MolFromSmiles(smiles)), isomericSmiles=False)
    assert Chem.MolToSmiles(found) == expected


@pytest.mark.parametrize("smiles", SMILES)
def test_the_numbering_of_the_atoms_does_not_matter(smiles):
    matrix = matrix_of(state_of(Chem.MolFromSmiles(smiles), QM9))
    order = np.random.default_rng(0).permutation(len(matrix))
    shuffled = matrix[order][:, order][np.tril_indices(len(matrix))]
    again = [
        Chem.MolToSmiles(mol_of(state, QM9)) for state in (matrix[np.tril_indices(len(matrix))], shuffled)
    ]
    assert again[0] == again[1]


def state(labels, bonds):
    """Of labels and {(row, column): order}."""
    matrix = np.diag(labels)
    for (a, b), order in bonds.items():
        matrix[max(a, b), min(a, b)] = order
    return matrix[np.tril_indices(len(labels))]


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (state([0, 0, 0], {(0, 1): 1}), "fragments"),
        (state([0, 0, 0, 0], {(0, 1): 1, (2, 3): 1}), "fragments"),
        (state([3, 0, 0], {(0, 1): 1, (0, 2): 1}), "valence"),
        (state([0, 0, 0], {(0, 1): 3, (0, 2): 2}), "valence"),
        (state([-1], {}), "entry"),
        (state([9], {}), "entry"),
        (np.array([0, 4, 0]), "entry"),
    ],
)
def test_what_is_no_molecule_is_named(wrong, kind):
    with pytest.raises(GraphError) as error:
        mol_of(wrong, QM9)
    assert error.value.kind == kind


def test_ammonium_is_a_molecule_of_this_alphabet_and_a_fifth_bond_is_not():
    ammonium = mol_of(np.array([4]), QM9)
    assert Chem.MolToSmiles(ammonium) == "[NH4+]"
    with pytest.raises(GraphError, match="5 bonds instead of 4"):
        mol_of(state([0, 0, 0, 0], {(0, 1): 3, (0, 2): 1, (0, 3): 1}), QM9)


def test_molecules_outside_the_alphabet_are_counted_not_hidden():
    graphs = Graphs(["CCO", "CS", "C[CH2]", "CN"])
    assert len(graphs) == 2
    assert graphs.num_left_out == 2
    assert graphs.histogram() == [0, 0, 1, 1]


def test_properties_stay_with_their_molecule_where_another_is_left_out():
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    graphs = Graphs(["CS", "CCO", "C"], properties=values)
    assert graphs.properties.tolist() == [[3, 4], [5, 6]]
    _, sizes, _ = graphs.batch([1])
    assert sizes.properties.tolist() == [[5, 6]]
    assert graphs.familiar == Familiar.of([Chem.MolFromSmiles(text) for text in ("CCO", "C")])


def test_formulas_count_hydrogens():
    graphs = Graphs(["CCO", "COC", "c1ccoc1", "[NH3+]CC(=O)[O-]"])
    assert graphs.formulas() == {"C2H6O1": 2, "C4H4O1": 1, "C2H5N1O2": 1}


@pytest.mark.parametrize(
    ("smiles", "num_states"),
    [("C", 1), ("CC", 1), ("CO", 2), ("CCO", 6), ("COC", 3), ("C1CC1", 1), ("CC(C)(C)C", 5), ("C=CC", 6)],
)
def test_numberings_are_counted_up_to_automorphisms(smiles, num_states):
    found = log_num_numberings(state_of(Chem.MolFromSmiles(smiles), QM9), QM9)
    assert np.exp(found) == pytest.approx(num_states)
