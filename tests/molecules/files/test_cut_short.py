"""Files that end in the middle, with a header or in empty lines: nothing is lost in silence or counted in error."""

import gzip

import pytest
from rdkit import Chem

from molediff.molecules.files.inputs import CUT_SHORT
from molediff.molecules.files.io import read_inputs
from molediff.molecules.files.sdf import NO_SDF

BLOCK = Chem.MolToMolBlock(Chem.AddHs(Chem.MolFromSmiles("CO")))
RECORD = f"{BLOCK}> <a>\n1\n\n$$$$\n"


def read(path):
    return list(read_inputs([str(path)]))


def test_an_sdf_that_ends_within_a_record_says_so_wherever_it_ends(tmp_path):
    path = tmp_path / "a.sdf"
    for end in range(1, len(RECORD)):
        rest = RECORD[:end]
        path.write_text(2 * RECORD + rest)
        items = read(path)
        if not rest.strip():  # an empty title line is all that came
            assert len(items) == 2
        elif "M  END" in rest:  # the molecule is there
            assert [item.molecule is None for item in items] == [False, False, False]
        else:
            assert [item.molecule is None for item in items] == [False, False, True], end
            assert items[2].reason == CUT_SHORT


@pytest.mark.parametrize("num", [1, 3, 50])
def test_a_list_of_smiles_that_is_called_sdf_is_not_said_to_be_cut_short(tmp_path, num):
    (tmp_path / "a.sdf").write_text(num * "CCO ethanol\n")
    assert [(item.molecule, item.reason) for item in read(tmp_path / "a.sdf")] == [(None, NO_SDF)]


def test_a_first_record_that_ends_in_its_atoms_is_cut_short(tmp_path):
    (tmp_path / "a.sdf").write_text("".join(RECORD.splitlines(keepends=True)[:6]))
    assert [item.reason for item in read(tmp_path / "a.sdf")] == [CUT_SHORT]


@pytest.mark.parametrize("name", ["a.sdf.gz", "a.smi.gz", "a.csv.gz"])
def test_a_packed_file_that_is_cut_short_gives_what_there_is_and_says_so(tmp_path, name):
    lines = "".join(f"{'C' * number}O x{number}\n" for number in range(1, 2000))
    text = {"sdf": 200 * RECORD, "smi": lines, "csv": "smiles,name\n" + lines.replace(" ", ",")}[
        name.split(".")[1]
    ]
    packed = gzip.compress(text.encode())
    (tmp_path / name).write_bytes(packed[: len(packed) // 2])
    *good, last = read(tmp_path / name)
    assert good
    assert (last.molecule, last.reason) == (None, CUT_SHORT)


def test_a_packed_file_that_is_cut_before_its_first_letter_is_one_input_that_failed(tmp_path):
    (tmp_path / "a.smi.gz").write_bytes(gzip.compress(b"CCO a\n" * 1000)[:25])
    assert [(item.molecule, item.reason) for item in read(tmp_path / "a.smi.gz")] == [(None, CUT_SHORT)]


@pytest.mark.parametrize("tail", ["\n", "\n\n\n", " \n", "\r\n"])
def test_empty_lines_behind_the_last_record_are_no_record(tmp_path, tail):
    (tmp_path / "a.sdf").write_bytes((RECORD + tail).encode())
    assert [item.molecule is None for item in read(tmp_path / "a.sdf")] == [False]
    (tmp_path / "a.sdf").write_bytes(tail.encode())
    assert read(tmp_path / "a.sdf") == []


@pytest.mark.parametrize("head", ["SMILES NAME", "smiles\tname", "canonical_smiles", "InChI ID"])
def test_a_header_of_a_smi_file_is_no_molecule_and_that_is_said(tmp_path, head):
    (tmp_path / "a.smi").write_text(f"{head}\nCCO ethanol\nsmiles\n")
    with pytest.warns(UserWarning, match="is taken as a header"):
        items = read(tmp_path / "a.smi")
    assert [item.molecule for item in items] == ["CCO", "smiles"]


def test_text_of_windows_is_read(tmp_path):
    (tmp_path / "a.smi").write_bytes("CCO ethanol\r\nCCN Äthylamin\r\n".encode("utf-16"))
    (tmp_path / "b.tsv").write_bytes(b"\xef\xbb\xbfSMILES\tName\r\nCCO\tethanol\r\n")
    assert [(item.molecule, item.name) for item in read(tmp_path / "a.smi")] == [
        ("CCO", "ethanol"),
        ("CCN", "Äthylamin"),
    ]
    assert [(item.molecule, item.name) for item in read(tmp_path / "b.tsv")] == [("CCO", "ethanol")]
