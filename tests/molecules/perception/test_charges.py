"""Charges that a formula cannot do without, and those of ions."""

import pytest
from rdkit import Chem

from molediff.molecules.perception.charges import has_unbalanced_charge, is_zwitterion


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


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("[NH3+]CC(=O)[O-]", True),
        ("C[NH+](C)CC(=O)[O-]", True),
        ("[NH3+]CCOP(=O)([O-])O", True),
        ("C[N+](C)(C)CC(=O)[O-]", False),  # betaine has no proton to give
        ("[NH3+]CCS(=O)(=O)[O-]", False),
        ("NCC(=O)O", False),
        ("CC[NH3+]", False),
        ("C[N+](=O)[O-]", False),
    ],
)
def test_the_proton_of_an_amino_acid_may_move_to_its_anion(smiles, expected):
    assert is_zwitterion(Chem.MolFromSmiles(smiles)) is expected
    assert is_zwitterion(Chem.AddHs(Chem.MolFromSmiles(smiles))) is expected
