"""XYZ in: bonds from distances, and no bonds where they would be a guess."""

import pytest
from places import DATA
from rdkit import Chem

from molediff.molecules.files.io import read_inputs
from molediff.molecules.files.output import write
from molediff.molecules.files.sdf import read_sdf

WATER = "O 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n"
HYDROXIDE = "O 0 0 0\nH 0.97 0 0\n"
BENZENE_WITHOUT_HYDROGENS = "C 0 0 0\nC 1.4 0 0\nC 2.1 1.21 0\nC 1.4 2.42 0\nC 0 2.42 0\nC -.7 1.21 0\n"


def read(tmp_path, text):
    (tmp_path / "a.xyz").write_text(text)
    return list(read_inputs([str(tmp_path / "a.xyz")]))


def smiles(mol):
    return Chem.MolToSmiles(Chem.RemoveHs(mol))


def test_what_is_read_is_the_molecule_or_nothing(tmp_path):
    """Twenty molecules of QM9 and their stereo, through our own files; the one cage that is not told is refused."""
    mols = [mol for mol in read_sdf(DATA / "demo.sdf") if mol is not None]
    unread = 0
    for mol in mols:
        Chem.AssignStereochemistryFrom3D(mol)
        write(mol, tmp_path / "one.xyz", ['a "name"'])
        (item,) = read_inputs([str(tmp_path / "one.xyz")])
        assert item.name == 'a "name"'
        unread += item.molecule is None
        assert item.molecule is None or smiles(item.molecule) == smiles(mol)
    assert (len(mols), unread) == (20, 1)


def test_the_charge_is_that_of_the_comment(tmp_path):
    items = read(tmp_path, f"2\ncharge=-1\n{HYDROXIDE}2\nenergy=1 Charge: -1\n{HYDROXIDE}2\n\n{HYDROXIDE}")
    assert [item.molecule and smiles(item.molecule) for item in items] == ["[OH-]", "[OH-]", None]
    assert "charge 0" in items[2].reason


def test_atoms_may_be_numbers_in_any_case_with_more_behind(tmp_path):
    items = read(tmp_path, f"3\n\n{WATER}\n\n3\nx\n8\t0 0 0 -0.8 9\nh 0.76 0.59 0\n1 -0.76 0.59 0\n")
    assert [smiles(item.molecule) for item in items] == ["O", "O"]
    assert [item.name for item in items] == ["a_1", "a_2"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello\n", "begins with its number of atoms"),
        ("0\n\n", "begins with its number of atoms"),
        ("3\n\nO 0 0 0\n", "cut short"),
        ("1\n\nO 0 0 x\n", "a line of an atom"),
        ("1\n\nXx 0 0 0\n", "a line of an atom"),
        ("1\n\nO 0 0 nan\n", "a line of an atom"),
        ("1\n\nC 0 0 0\n", "all hydrogens are there"),
        (f"6\n\n{BENZENE_WITHOUT_HYDROGENS}", "all hydrogens are there"),
        (f"2\n\n{HYDROXIDE}", "state another as charge=1"),
    ],
)
def test_what_makes_no_molecule_fails_with_the_reason(tmp_path, text, reason):
    (item,) = read(tmp_path, text)
    assert item.molecule is None
    assert reason.lower() in item.reason.lower()


def test_a_bad_frame_does_not_take_the_good_ones_before_it(tmp_path):
    items = read(tmp_path, f"3\n\n{WATER}2\n\n{HYDROXIDE}3\n\n{WATER}three\n")
    assert [item.molecule is not None for item in items] == [True, False, True, False]
