"""Sources and files that real use has: missing, oddly named, oddly titled, too wide."""

import csv

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem

from molediff.molecules.data.sdf import load_sdf
from molediff.molecules.files.export import export_conformers
from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.files.io import read_inputs
from molediff.molecules.files.output import ConformerWriter
from molediff.molecules.files.sdf import read_sdf, sdf_record, title_of
from molediff.molecules.generation.result import GenerationResult
from molediff.runtime.files import complete_file


def result(smiles: str = "CO") -> GenerationResult:
    return GenerationResult(smiles, embedded(smiles), "ok", "", 1, seed=1)


@pytest.mark.parametrize(
    "name", ["gone.mol", "gone.inchi", "gone.sdf.gz", "gone.pdb", "./gone", "/nowhere/at/all"]
)
def test_a_missing_file_is_no_bad_smiles(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=name):
        read_inputs([name])


def test_what_exists_and_is_no_file_of_ours_is_refused():
    with pytest.raises(ValueError, match=r"/dev/stdin is none of \.smi"):
        read_inputs(["/dev/stdin"])


@pytest.mark.parametrize("smiles", ["C/C=C/C", "CCO.Cl", "InChI=1S/CH4/h1H4", "C" * 5000, "CC(", "C\x00"])
def test_a_smiles_is_no_path(smiles):
    assert [item.molecule for item in read_inputs([smiles])] == [smiles]


def test_a_mol_file_and_a_file_of_inchi_are_read(tmp_path):
    (tmp_path / "a.mol").write_text(Chem.MolToMolBlock(embedded("CO")))
    (tmp_path / "b.inchi").write_text("InChI=1S/CH4/h1H4 methane\n")
    one, other = read_inputs([str(tmp_path / "a.mol"), str(tmp_path / "b.inchi")])
    assert Chem.MolToSmiles(Chem.RemoveHs(one.molecule)) == "CO"
    assert (other.molecule, other.name) == ("InChI=1S/CH4/h1H4", "methane")


def test_an_extension_of_a_smiles_is_no_name(tmp_path):
    (tmp_path / "a.smi").write_text("C[C@H](O)F |&1:1| racemic\nCCO CC\nC[C@H](O)F |a:1|\n")
    assert [(item.molecule, item.name) for item in read_inputs([str(tmp_path / "a.smi")])] == [
        ("C[C@H](O)F |&1:1|", "racemic"),
        ("CCO", "CC"),
        ("C[C@H](O)F |a:1|", "C[C@H](O)F"),
    ]


def test_a_field_that_is_too_wide_costs_its_row_alone(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(f"smiles,name\nC,methane\n{'C' * (csv.field_size_limit() + 1)},wide\nCO,methanol\n")
    items = list(read_inputs([str(path)]))
    assert [item.molecule for item in items] == ["C", None, "CO"]
    assert "wide, line" in items[1].name


@pytest.mark.parametrize(
    "title", ["$$$$", "$$$$ and more", "> <SMILES>", "two\nlines", "a\ttab", "bad \udcff byte", "\x07bell"]
)
def test_any_title_gives_one_record_and_is_kept(title, tmp_path):
    with complete_file(tmp_path / "out.sdf") as file:
        writer = ConformerWriter(file, ".sdf")
        writer.write(result(), title)
        writer.write(result(), "next")
    records = list(read_sdf(tmp_path / "out.sdf"))
    assert [record.GetNumAtoms() for record in records] == [6, 6]
    assert [record.GetProp("SMILES") for record in records] == ["CO", "CO"]
    assert title_of(records[1]) == "next"
    if title != "a\ttab" and title != "two\nlines":  # of these the white space alone is lost
        assert records[0].HasProp("original_title")


def test_an_ordinary_title_stays_as_it_is():
    record = sdf_record(embedded("CO"), -1, "methanol (wood spirit) 95 %", {"source": "$$$$"})
    assert record.startswith("methanol (wood spirit) 95 %\n")
    assert "original_title" not in record
    assert record.count("\n$$$$\n") == 1


def test_titles_and_properties_that_are_no_text_stop_nothing(tmp_path):
    block = Chem.MolToMolBlock(embedded("CO")).encode()
    (tmp_path / "latin.sdf").write_bytes(
        b"caf\xe9" + block + b"> <na\xefve>\n\xff\n\n$$$$\n" + block + b"$$$$\n"
    )
    items = list(read_inputs([str(tmp_path / "latin.sdf")]))
    assert [item.name for item in items] == ["latin_1", "latin_2"]
    assert sdf_record(items[0].molecule, -1, "x", {}).count("$$$$") == 1
    assert len(load_sdf(tmp_path / "latin.sdf")) == 2


@pytest.mark.parametrize(
    "name", ["a#b.sdf", "a=b.sdf", "a b.sdf", "a[1](2){3}.sdf", "-out.sdf", "a,b;c.sdf", "%41.xyz", "é.xyz"]
)
def test_files_may_have_any_name(name, tmp_path):
    output, status = tmp_path / "folder = [x] #1" / name, tmp_path / "folder = [x] #1" / f"{name}.csv"
    inputs = [MoleculeInput("CO", "m")]
    summary = export_conformers(inputs, lambda items: [result(item) for item in items], output, status)
    assert summary.num_conformers == 1
    assert output.stat().st_size > 100
    assert len(list(csv.reader(status.open()))) == 2
    if name.endswith(".sdf"):
        assert len(list(read_inputs([str(output)]))) == 1


def test_xyz_tells_the_total_charge(tmp_path):
    with complete_file(tmp_path / "out.xyz") as file:
        ConformerWriter(file, ".xyz").write(result("CC(=O)[O-]"), "acetate")
    comment = (tmp_path / "out.xyz").read_text().splitlines()[1]
    assert " charge=-1 " in comment


def test_coordinates_survive_writing_and_reading(tmp_path):
    mol = embedded("C[C@H](O)F")
    (tmp_path / "a.sdf").write_text(sdf_record(mol, -1, "a", {}))
    (read,) = read_sdf(tmp_path / "a.sdf")
    np.testing.assert_allclose(
        read.GetConformer().GetPositions(), mol.GetConformer().GetPositions(), atol=1e-4
    )
