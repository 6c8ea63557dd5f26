import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from rdkit import Chem

from molediff.molecules.graph.inputs import UnusableInputError, label, prepare


@pytest.mark.parametrize(
    ("molecule", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("not a smiles", "not a SMILES"),
        ("C(", "not a SMILES"),
        ("CC(C)(C)(C)C", "valence"),
        ("c1cccc1", "kekulize"),
        ("CCl", "not Cl"),
        ("*C", "Wildcards"),
        ("C.O", "2 separate fragments"),
        ("[CH3]", "Unpaired electrons on atom 0"),
        ("C[CH]C", "Unpaired electrons on atom 1"),
        ("[H]", "Unpaired electrons on atom 0"),
        ("[O]", "Unpaired electrons on atom 0"),
        ("[C]", "Unpaired electrons on atom 0"),
        ("[F-]", "A single atom has no bonds"),
        ("[H+]", "A single atom has no bonds"),
        ("[Ne]", "not Ne"),
        ("C" * 40, "122 atoms with hydrogens, more than max_atoms=64"),
        ("C[N+3](C)C", "valence"),
        ("CC |w|", "extension .* cannot be read"),
        (None, "got NoneType"),
        (7, "got int"),
        (b"CC", "got bytes"),
        (Chem.Mol(), "no atoms"),
        (Chem.MolFromSmarts("[C,N]O"), "query"),
        (Chem.MolFromSmiles("C->[O]", sanitize=False), "DATIVE|valence|Unpaired"),
    ],
)
def test_unusable_input_says_why(molecule, says):
    with pytest.raises(UnusableInputError, match=says):
        prepare(molecule)


@pytest.mark.parametrize(
    ("smiles", "num_atoms"),
    [
        ("[H][H]", 2),
        ("F", 2),
        ("[O-]C=[NH2+]", 6),
        ("[2H]C", 5),
        ("[13CH4]", 5),
    ],
)
def test_unusual_but_possible_molecules_work(smiles, num_atoms):
    assert prepare(smiles).num_atoms == num_atoms


def test_isotope_labels_are_kept():
    assert Chem.MolToSmiles(Chem.RemoveHs(prepare("[2H]C([2H])O").mol)) == "[2H]C([2H])O"


def test_smiles_gives_rdkits_atom_order():
    smiles = "OC(=O)[C@@H](N)C"
    expected = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert Chem.MolToMolBlock(prepare(smiles).mol) == Chem.MolToMolBlock(expected)


def test_mol_without_hydrogens_gets_them_behind_its_own_atoms():
    mol = Chem.MolFromSmiles("OCC")
    assert [a.GetAtomicNum() for a in prepare(mol).mol.GetAtoms()] == [8, 6, 6] + 6 * [1]


@given(st.permutations(range(9)))
@settings(max_examples=20, deadline=None)
def test_explicit_hydrogens_keep_their_order(order):
    mol = Chem.RenumberAtoms(Chem.AddHs(Chem.MolFromSmiles("OCC")), list(order))
    prepared = prepare(mol)
    assert [a.GetAtomicNum() for a in prepared.mol.GetAtoms()] == [a.GetAtomicNum() for a in mol.GetAtoms()]
    assert prepared.num_atoms == 9


def test_given_mol_is_not_changed():
    mol = Chem.MolFromSmiles("C[C@H](F)O", sanitize=False)
    conformer = Chem.Conformer(4)
    conformer.SetPositions(np.random.default_rng(0).normal(size=(4, 3)))
    mol.AddConformer(conformer)
    before = mol.ToBinary()
    assert prepare(mol).mol.GetNumConformers() == 0
    assert mol.ToBinary() == before


def without_bond_directions(smiles):
    mol = Chem.MolFromSmiles(smiles)
    for bond in mol.GetBonds():
        bond.SetBondDir(Chem.BondDir.NONE)
    return mol


@pytest.mark.parametrize("smiles", ["F/C=C/C", "F/C=C\\C", "C/C(F)=C(/C)O"])
def test_double_bond_stereo_survives_the_loss_of_bond_directions(smiles):
    expected, prepared = prepare(smiles), prepare(without_bond_directions(smiles))
    assert (expected.graph.pair_codes == prepared.graph.pair_codes).all()


def test_double_bond_set_by_hand_is_kept():
    mol = Chem.MolFromSmiles("FC=CC")
    mol.GetBondWithIdx(1).SetStereoAtoms(0, 3)
    mol.GetBondWithIdx(1).SetStereo(Chem.BondStereo.STEREOCIS)
    assert (prepare(mol).graph.pair_codes == prepare("F/C=C\\C").graph.pair_codes).all()


def test_tags_of_atoms_without_stereo_are_dropped():
    mol = Chem.MolFromSmiles("CC(O)C")
    mol.GetAtomWithIdx(1).SetChiralTag(Chem.ChiralType.CHI_TETRAHEDRAL_CW)
    assert len(prepare(mol).graph.chiral_sign) == 0


def test_key_depends_on_the_order_of_the_atoms_but_not_on_the_spelling():
    assert prepare("CCO").key == prepare("C-C-O").key == prepare(Chem.MolFromSmiles("CCO")).key
    assert prepare("CCO").key != prepare("OCC").key
    assert prepare("CC=O").key != prepare("C=CO").key


@given(st.one_of(st.text(max_size=12), st.none(), st.integers(), st.binary(max_size=4)))
@settings(max_examples=200, deadline=None)
def test_anything_is_either_prepared_or_refused_with_a_sentence(molecule):
    assert isinstance(label(molecule), str)
    reason = "Usable."
    try:
        prepare(molecule)
    except UnusableInputError as error:
        reason = str(error)
    assert reason.endswith(".")
