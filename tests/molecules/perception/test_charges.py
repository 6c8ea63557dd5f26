"""Charges that a formula cannot do without, and those of ions."""

import pytest
from rdkit import Chem

from molediff.molecules.perception.charges import has_unbalanced_charge


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CCO", False),
        ("C[N+](=O)[O-]", False),
        ("CN=[N+]=[N-]", False),
        ("C[N+](C)(C)[O-]", False),
        ("[C-]#[N+]C", False),
        ("CC[NH3+]", True),
        ("CC(=O)[O-]", True),
        ("[NH3+]CC(=O)[O-]", True),
        ("[Fe+3]", True),
    ],
)
def test_neighbours_balance_charges_of_a_formula_and_none_of_an_ion(smiles, expected):
    assert has_unbalanced_charge(Chem.MolFromSmiles(smiles)) is expected
