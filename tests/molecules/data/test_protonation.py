"""Ions of molecules that lists of SMILES have without charges."""

import pytest
from rdkit import Chem

from molediff.molecules.data.protonation import ions


@pytest.mark.parametrize(
    ("neutral", "expected"),
    [
        ("CCN", ["CC[NH3+]"]),
        ("CN1CCN(C)CC1", ["C[NH+]1CCN(C)CC1"]),
        ("CC(C)NC[C@H](O)c1ccccc1", ["CC(C)[NH2+]C[C@H](O)c1ccccc1"]),
        ("NC(=N)c1ccccc1", ["NC(=[NH2+])c1ccccc1"]),
        ("CCNC(N)=N", ["CCNC(N)=[NH2+]"]),
        ("Cn1ccnc1", ["Cn1cc[nH+]c1"]),
        ("CC(=O)O", ["CC(=O)[O-]"]),
        ("OC(=O)CCC(=O)O", ["[O-]C(=O)CCC(=O)[O-]"]),
        ("COP(=O)(O)O", ["COP(=O)([O-])O"]),
        ("CS(=O)(=O)O", ["CS(=O)(=O)[O-]"]),
        ("CC(=O)NS(C)(=O)=O", ["CC(=O)[N-]S(C)(=O)=O"]),
        ("Cc1nn[nH]n1", ["Cc1nn[n-]n1"]),
        ("C[C@H](N)C(=O)O", ["C[C@H]([NH3+])C(=O)O", "C[C@H](N)C(=O)[O-]"]),
        ("CC(=O)NC", []),
        ("Nc1ccccc1", []),
        ("c1ccncc1", []),
        ("CNO", []),
        ("CCO", []),
        ("C[N+](C)(C)C", []),
        ("CC(=O)[O-].[Na+]", []),
        # charges that a formula alone has
        ("NCc1ccc([N+](=O)[O-])cc1", ["[NH3+]Cc1ccc([N+](=O)[O-])cc1"]),
        ("OC(=O)CN=[N+]=[N-]", ["[O-]C(=O)CN=[N+]=[N-]"]),
        ("NCc1cc[n+]([O-])cc1", ["[NH3+]Cc1cc[n+]([O-])cc1"]),
        # too weak in water
        ("Cn1cnc2c1c(=O)n(C)c(=O)n2C", []),  # caffeine
        ("Nc1ncnc2[nH]cnc12", []),  # adenine
        ("Cn1cnc2ccccc12", []),
        ("CC(=O)n1ccnc1", []),
        ("CS(=O)(=O)n1ccnc1", []),
        ("Cn1cc(C#N)nc1", []),
        ("Cc1ncc([N+](=O)[O-])n1C", []),
        ("Cn1c(Cl)cnc1", []),
        ("COC(=O)c1c[nH]cn1", []),
        ("CN(C)CC#N", []),
        ("CN(C)C(F)(F)F", []),
        ("CCN(C)C(F)F", []),
        ("NCC(F)(F)F", []),
        # as strong as ever
        ("Cc1[nH]cnc1CCO", ["Cc1[nH]c[nH+]c1CCO"]),
        ("NCCC#N", ["[NH3+]CCC#N"]),
        ("c1cn(-c2ccccc2)cn1", ["c1c[n](-c2ccccc2)c[nH+]1"]),
        # more charges than two
        ("OC(=O)CC(O)(CC(=O)O)C(=O)O", []),  # citric acid
        ("OC(=O)CN(CC(=O)O)CC(=O)O", ["OC(=O)C[NH+](CC(=O)O)CC(=O)O"]),
    ],
)
def test_amines_take_up_a_proton_and_acids_give_one_off(neutral, expected):
    found = ions(neutral)
    assert sorted(found) == sorted(map(Chem.CanonSmiles, expected))


def test_the_atoms_stay_and_the_charge_is_that_of_the_protons():
    neutral = "CCN1CCN(CC1)c1ncc(cn1)C(=O)NCCC(=O)O"
    mol = Chem.AddHs(Chem.MolFromSmiles(neutral))
    for smiles in ions(neutral):
        ion = Chem.AddHs(Chem.MolFromSmiles(smiles))
        assert ion.GetNumHeavyAtoms() == mol.GetNumHeavyAtoms()
        assert Chem.GetFormalCharge(ion) == ion.GetNumAtoms() - mol.GetNumAtoms() != 0


def test_what_is_no_molecule_is_refused():
    with pytest.raises(ValueError, match="cannot read the SMILES"):
        ions("no molecule")
