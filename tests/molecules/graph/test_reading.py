"""What text may be a molecule: SMILES with extensions, InChI, mol blocks; the rest is refused by name."""

import pytest
from fake_generators import embedded
from rdkit import Chem, rdBase

from molediff.molecules.errors import UnusableInputError
from molediff.molecules.graph.inputs import check_is_a_list, prepare
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.hydrogens import bare_smiles

ALANINE = "C[C@H](N)C(=O)O"


def smiles_of(mol: Chem.Mol) -> str:
    return Chem.MolToSmiles(Chem.RemoveHs(mol))


def test_an_inchi_is_the_molecule_with_its_stereo():
    inchi = Chem.MolToInchi(Chem.MolFromSmiles(ALANINE))
    read = prepare(inchi)
    assert smiles_of(read.mol) == Chem.CanonSmiles(ALANINE)
    assert read.smiles == Chem.CanonSmiles(ALANINE)


@pytest.mark.parametrize(
    ("smiles", "is_one_of_several"),
    [
        ("CC(=O)Nc1ccc(O)cc1", False),
        ("CC(=S)N", False),
        ("NC(=O)N[C@@H](C)C(=O)N[C@@H](C)C(=O)O", False),
        ("CC(=O)NO", False),
        ("O=C1CC(=O)NC(=O)N1", False),
        ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", False),
        ("O=c1cccc[nH]1", True),
        ("O=c1cc[nH]c(=O)[nH]1", True),
        ("N=C(N)NCCC[C@H](N)C(=O)O", True),
    ],
)
def test_an_inchi_is_the_usual_tautomer_and_says_where_another_may_be_meant(smiles, is_one_of_several):
    """RDKit reads amides as imidic acids there."""
    inchi = Chem.MolToInchi(Chem.MolFromSmiles(smiles))
    for written in (inchi, inchi.replace("InChI=1S/", "InChI=1/")):  # standard, and not said to be
        read = prepare(written, vocabulary=ORGANIC)
        assert smiles_of(read.mol) == read.smiles == Chem.CanonSmiles(smiles)
        assert ("several tautomers" in read.caution) == is_one_of_several


@pytest.mark.parametrize(
    "smiles",
    [
        "C1CCC/C=C/CC1",
        "C1CCC/C=C\\CC1",
        "C/C1=C\\CCCCCC1",
        "C1=C/CCCCCCC/C=C\\1",
        "CC1=C\\CC/C(C)=C/CC(C)(C)/C=C/1",
        "C/C=C/C=C\\CC",
        "C/C=N/O",
    ],
)
def test_hydrogens_that_are_written_out_leave_the_side_of_a_double_bond(smiles):
    """Of every 30 such spellings RDKit reads one as the other isomer: [H]/C1=C(/[H])CCCCCC1 as *cis*."""
    written = Chem.AddHs(Chem.MolFromSmiles(smiles))
    for spelling in Chem.MolToRandomSmilesVect(written, 40, randomSeed=1):
        assert bare_smiles(prepare(spelling).mol) == Chem.CanonSmiles(smiles), spelling


@pytest.mark.parametrize("force_v3000", [False, True])
def test_a_mol_block_is_the_molecule_in_its_order(force_v3000):
    mol = Chem.RenumberAtoms(embedded("C/C=C/[C@H](O)F"), [3, 1, 2, 0, 5, 4, *range(6, 13)])
    read = prepare(Chem.MolToMolBlock(mol, forceV3000=force_v3000))
    assert smiles_of(read.mol) == smiles_of(mol)
    assert [a.GetSymbol() for a in read.mol.GetAtoms()] == [a.GetSymbol() for a in mol.GetAtoms()]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("InChI=1S/nonsense", "not an InChI"),
        ("LFQSCWFLJHTTHZ-UHFFFAOYSA-N", "an InChIKey, from which no molecule"),
        ("CC\nCO", "several lines and is no mol block"),
        (Chem.MolToMolBlock(Chem.MolFromSmiles("CC"))[:90], "mol block cannot be read"),
        (2 * (Chem.MolToMolBlock(Chem.MolFromSmiles("CC")) + "$$$$\n"), "holds 2 mol blocks"),
        ("CCO CC", "names are read from files only, so give 'CCO' alone"),
        ("CCO |foo|", "extension '|foo|' behind the SMILES cannot be read"),
        ("C" * 200_000, "200000 characters is longer"),
        ("C1CC1" * 1900, "At least 5700 atoms"),
        ("C\ud800", r"character '\ud800'"),
        ("C\x00C", "character"),
        ("Cé", "character"),
        ("C:C", "marked as aromatic"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text, says):
    with pytest.raises(UnusableInputError) as error:
        prepare(text)
    assert says in str(error.value)


@pytest.mark.skipif(not hasattr(rdBase, "CaptureErrorLog"), reason="this RDKit tells it to its log alone")
@pytest.mark.parametrize(
    ("smiles", "says"),
    [
        ("CC(=O)Oc1ccccc1(C(=O)O", "can read (extra open parentheses, at position 16): check its spelling."),
        ("CC)C", "(extra close parentheses, at position 3): check"),
        ("C1CC", "(unclosed ring): check"),
        ("C==C", "(syntax error, at position 3): check"),
        ("C12CC12", "(ring closure 2 duplicates bond between atom 0 and atom 2): check"),
    ],
)
def test_what_rdkit_says_of_a_misspelt_smiles_is_handed_on_and_not_printed(capfd, smiles, says):
    with pytest.raises(UnusableInputError) as error:
        prepare(smiles)
    assert says in str(error.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("50-78-2", "; registry numbers are not looked up: give the SMILES."),
        ("aspirin", "; names are not looked up: give the SMILES."),
        ("2-methylpropan-1-ol", "; names are not looked up: give the SMILES."),
        ("CCO>>CC=O", "; a reaction is not taken: give one molecule."),
        ("ClC(Br)(c1ccccc1", "check its spelling."),
    ],
)
def test_what_is_no_smiles_at_all_is_told_what_it_looks_like(text, hint):
    with pytest.raises(UnusableInputError) as error:
        prepare(text)
    assert str(error.value).endswith(hint)


@pytest.mark.parametrize(
    ("smiles", "isomers"),
    [
        ("C[C@H](O)F |&1:1|", {"C[C@H](O)F", "C[C@@H](O)F"}),
        ("C[C@H](O)[C@H](F)N |o1:1,3|", {"C[C@H](O)[C@H](F)N", "C[C@@H](O)[C@@H](F)N"}),
    ],
)
def test_of_enhanced_stereo_one_isomer_is_to_be_given(smiles, isomers):
    for given in (smiles, Chem.MolFromSmiles(smiles)):
        with pytest.raises(UnusableInputError, match="stands for several stereoisomers") as error:
            prepare(given)
        named = str(error.value).split("'")[1::2]
        assert {Chem.CanonSmiles(text) for text in named} == {Chem.CanonSmiles(text) for text in isomers}


def test_absolute_stereo_in_an_extension_is_taken():
    assert smiles_of(prepare("C[C@H](O)F |a:1|").mol) == Chem.CanonSmiles("C[C@H](O)F")


def test_numbered_hydrogens_keep_their_order_and_numbers():
    mol = prepare("[H:5][C:1]([H:2])([H:3])[OH:4]").mol
    assert [a.GetSymbol() for a in mol.GetAtoms()] == ["H", "C", "H", "H", "O", "H"]
    assert [a.GetAtomMapNum() for a in mol.GetAtoms()] == [5, 1, 2, 3, 4, 0]


@pytest.mark.parametrize("smiles", [r"C/C=C1\C[C@H](O)C1", r"F/C=C1\CC[C@H](F)CC1"])
def test_stereo_of_a_double_bond_at_a_ring_that_is_not_seen_is_told(smiles):
    assert "2 stereo marks of the SMILES left open" in prepare(smiles).caution


def test_tags_that_are_not_tetrahedral_are_cleared_and_told():
    mol = Chem.MolFromSmiles("C1CCCCC1")
    mol.GetAtomWithIdx(0).SetChiralTag(Chem.ChiralType.CHI_OTHER)
    assert "1 chiral tag left open" in prepare(mol).caution
    assert mol.GetAtomWithIdx(0).GetChiralTag() == Chem.ChiralType.CHI_OTHER


class Frame:
    """As a pandas DataFrame: iterating over it gives the names of its columns."""

    columns = ("smiles", "name")

    def __iter__(self):
        return iter(self.columns)


@pytest.mark.parametrize(
    ("molecules", "says"),
    [
        ("CC", "for one, call generate"),
        (b"CC", "decode"),
        (3, "list"),
        (Frame(), r'table with columns .* its column, such as table\["smiles"\]'),
        ({"smiles": ["CC"]}, "mapping"),
    ],
)
def test_what_is_no_list_of_molecules_is_refused(molecules, says):
    with pytest.raises(ValueError, match=says):
        check_is_a_list(molecules)


def test_lists_tuples_generators_and_columns_are_lists():
    for molecules in (["CC"], ("CC",), iter(["CC"]), {"CC"}):
        check_is_a_list(molecules)
