"""What can be asked of new molecules, and what not."""

import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.whole.alphabet import QM9
from molediff.molecules.whole.graphs import matrix_of
from molediff.molecules.whole.request import Request, read_formula, size_at

HISTOGRAM = [0, 1, 2, 3, 4, 10, 20, 60]
FORMULAS = {"C2H6O1": 3, "C3H8": 2, "C2N2": 1}
MASK = 9


def read(**words):
    return Request.read(QM9, HISTOGRAM, FORMULAS, **words)


def test_sizes_are_drawn_as_often_as_in_the_data():
    request = read()
    drawn = [size_at(request.sizes, u) for u in (np.arange(1000) + 0.5) / 1000]
    np.testing.assert_allclose(np.bincount(drawn), 10 * np.array(HISTOGRAM))


def test_a_composition_fixes_the_heavy_atoms_and_their_number():
    request = read(composition="C2H6O")
    assert request.num_hydrogens == 6
    assert size_at(request.sizes, 0.3) == 3
    matrix = matrix_of(request.start(3, MASK))
    assert sorted(matrix.diagonal().tolist()) == [0, 0, 2]
    assert (matrix[np.tril_indices(3, -1)] == MASK).all()


def test_a_formula_without_hydrogens_leaves_them_open():
    assert read(composition="C2O").num_hydrogens is None
    assert read(composition={"C": 3}).labels == (0, 0, 0)
    assert read_formula("C7H10O2") == {"C": 7, "H": 10, "O": 2}


def test_a_scaffold_is_known_and_what_is_no_attachment_is_closed():
    request = read(scaffold="C1CC1*")
    assert request.scaffold.attachments == (2,)
    matrix = matrix_of(request.start(5, MASK))
    assert matrix[:3, :3].tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert (matrix[3:, :2] == 0).all()
    assert (matrix[3:, 2] == MASK).all()
    assert matrix[3, 3] == matrix[4, 3] == MASK
    assert min(size for size in range(8) if request.sizes[size]) == 4


def test_atoms_with_hydrogens_are_the_attachments_unless_told():
    assert read(scaffold="CC(F)(F)F").scaffold.attachments == (0,)
    assert read(scaffold="CCO", attachments=[1]).scaffold.attachments == (1,)


def test_coordinates_of_a_scaffold_are_kept_for_its_shape():
    mol = Chem.MolFromSmiles("CO")
    conformer = Chem.Conformer(2)
    conformer.SetPositions(np.array([[0, 0, 0], [1.4, 0, 0.1]]))
    conformer.Set3D(True)
    mol.AddConformer(conformer)
    assert read(scaffold=mol).scaffold.fixed.GetNumConformers() == 1
    assert read(scaffold="CO").scaffold.fixed is None


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"num_atoms": 0}, "at least 1"),
        ({"num_atoms": 40}, "1 to 7 heavy atoms"),
        ({"composition": "C2H6O", "num_atoms": 4}, "has 3 heavy atoms"),
        ({"composition": "C5N2"}, "No training molecule"),
        ({"composition": "C2H4O"}, "No training molecule"),
        ({"composition": "C2S"}, "knows no S"),
        ({"composition": "H2"}, "no heavy atom"),
        ({"composition": "two carbons"}, "formula such as"),
        ({"composition": "C2O", "scaffold": "C"}, "not both"),
        ({"scaffold": "C(C)(C)(C)(C)C"}, "valence may be impossible"),
        ({"scaffold": "CS"}, "holds S"),
        ({"scaffold": "C[CH2]"}, "unusual valence"),
        ({"scaffold": "CCCCCCC"}, "at most 7"),
        ({"scaffold": "CCC", "num_atoms": 3}, "no room"),
        ({"scaffold": "CC(F)(F)F", "attachments": [1]}, "cannot be an attachment"),
        ({"scaffold": "CC*", "attachments": [1]}, "leave attachments out"),
        ({"scaffold": "CC=*"}, "one single bond"),
        ({"attachments": [1]}, "give scaffold"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(words, match):
    with pytest.raises(ValueError, match=match):
        read(**words)
