"""Reading of inputs and writing of conformers."""

import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.conformers import with_conformers
from molediff.molecules.files.io import read_fixed, read_inputs
from molediff.molecules.files.output import ConformerWriter
from molediff.molecules.generation.result import GenerationResult
from molediff.runtime.files import complete_file


def water_result(num_conformers: int = 2, smiles: str = "O", energies: bool = False) -> GenerationResult:
    """Water with conformer k stretched by k Angstrom along x."""
    mol = Chem.AddHs(Chem.MolFromSmiles("O"))
    base = np.array([[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]])
    coordinates = [base + [[0, 0, 0], [k, 0, 0], [0, 0, 0]] for k in range(num_conformers)]
    values = np.arange(num_conformers) - 0.25 if energies else None
    return GenerationResult(
        smiles,
        with_conformers(mol, coordinates),
        "ok",
        "",
        num_conformers,
        seed=7,
        energies=values,
        energy_method="MMFF94s" if energies else None,
        provenance={"weights_sha256": "0f"} if energies else {},
    )


def write_all(path, results, **provenance):
    with complete_file(path) as file:
        writer = ConformerWriter(file, path.suffix, provenance)
        return [writer.write(result, name) for name, result in results]


def test_words_and_files_come_in_the_order_given(tmp_path):
    (tmp_path / "a.smi").write_text("# a comment\nCCO ethanol, the drink\n\nC1CC1\n")
    (tmp_path / "b.csv").write_text('\ufeffname,Smiles\nformic,"OC=O"\n,C\n')
    inputs = list(read_inputs(["C#N", str(tmp_path / "a.smi"), str(tmp_path / "b.csv")]))
    assert [(item.molecule, item.name) for item in inputs] == [
        ("C#N", "C#N"),
        ("CCO", "ethanol, the drink"),
        ("C1CC1", "C1CC1"),
        ("OC=O", "formic"),
        ("C", ""),
    ]


def test_an_unreadable_sdf_record_keeps_its_place(tmp_path):
    good = Chem.MolToMolBlock(Chem.MolFromSmiles("CO"))
    five_bonds = Chem.MolToMolBlock(Chem.MolFromSmiles("C(F)(F)(F)(F)F", sanitize=False), kekulize=False)
    (tmp_path / "in.sdf").write_text(f"{good}$$$$\n{five_bonds}$$$$\n{good}$$$$\n")
    inputs = list(read_inputs([str(tmp_path / "in.sdf")]))
    assert [item.molecule is None for item in inputs] == [False, True, False]
    assert [item.name for item in inputs] == ["in_1", "in_2", "in_3"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_unreadable_sdf_record_is_called_by_its_title(tmp_path, newline):
    bad = Chem.MolToMolBlock(Chem.MolFromSmiles("C(F)(F)(F)(F)F", sanitize=False), kekulize=False)
    good = Chem.MolToMolBlock(Chem.MolFromSmiles("CO"))
    field = ">  <note>\nnot $$$$ the end\n\n"
    records = [
        f"{title}{block}{field}$$$$\n" for title, block in (("one", good), ("two", bad), ("", bad)) * 400
    ]
    text = "".join([*records, "last", bad])  # no end of the record
    (tmp_path / "in.sdf").write_text(text, newline=newline)
    inputs = list(read_inputs([str(tmp_path / "in.sdf")]))
    assert len(inputs) == 1201
    assert [item.name for item in inputs[:4]] == ["one", "two", "in_3", "one"]
    assert [item.name for item in inputs[-3:]] == ["two", "in_1200", "last"]
    assert [item.molecule is None for item in inputs[:3]] == [False, True, True]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (
            "id,Canonical_SMILES",
            r"columns are id, Canonical_SMILES\): smiles_column='Canonical_SMILES' says which",
        ),
        ("id,structure", r"columns are id, structure\): smiles_column='NAME' says which"),
    ],
)
def test_a_table_without_the_column_names_those_there_are_and_the_setting(tmp_path, header, says):
    (tmp_path / "a.csv").write_text(f"{header}\n1,C\n")
    with pytest.raises(ValueError, match=says):
        read_inputs([str(tmp_path / "a.csv")])


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("missing.smi", None, FileNotFoundError, "missing.smi"),
        ("missing.sdf", None, FileNotFoundError, "missing.sdf"),
        ("a.csv", "name,structure\nx,C\n", ValueError, "no column 'smiles'.*name, structure"),
        ("a.csv", "", ValueError, "it is empty"),
        ("a.tsv", "name\tstructure\nx\tC\n", ValueError, "no column 'smiles'.*name, structure"),
        ("a.cif", "", ValueError, "a.cif is none of .smi, .inchi"),
        ("missing.sdf.gz", None, FileNotFoundError, "missing.sdf.gz"),
        ("a.parquet", "no table", ValueError, "a.parquet cannot be read as Parquet"),
    ],
)
def test_a_wrong_source_is_known_before_the_first_molecule_is_read(tmp_path, name, content, error, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error, match=message):
        read_inputs(["CCO", str(tmp_path / name)])


@pytest.mark.parametrize("title", ["", "CCO", "an ethanol"])
@pytest.mark.parametrize("version", [Chem.MolToMolBlock, Chem.MolToV3KMolBlock])
def test_an_sdf_that_is_read_as_lines_says_so_and_gives_no_molecules_of_its_fields(tmp_path, title, version):
    mol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    mol.SetProp("_Name", title)
    (tmp_path / "a.smi").write_text(f"{version(mol)}>  <SMILES>\nCCO\n\n$$$$\n")
    with pytest.raises(
        ValueError, match=r"a\.smi is an SDF, where molecules as SMILES are read.*ends in \.sdf"
    ):
        list(read_inputs([str(tmp_path / "a.smi")]))


def test_reading_is_lazy(tmp_path):
    (tmp_path / "a.smi").write_text("C\n" * 3)
    inputs = read_inputs([str(tmp_path / "a.smi")])
    next(inputs)
    (tmp_path / "a.smi").unlink()
    assert len(list(inputs)) == 2  # from the open file


def test_sdf_gives_back_coordinates_and_provenance(tmp_path):
    smiles = "F/C=C\\F"  # a backslash must survive
    written = write_all(
        tmp_path / "out.sdf", [("my water", water_result(smiles=smiles, energies=True))], weights="qm9"
    )
    records = list(Chem.SDMolSupplier(str(tmp_path / "out.sdf"), removeHs=False))
    assert written == [2]
    first = 1 / (1 + np.exp(-1 / (8.31446261815324 / 4184 * 298.15)))  # of two, 1 kcal/mol apart
    assert [record.GetPropsAsDict() for record in records] == [
        {
            "SMILES": smiles,
            "conformer": k,
            "seed": 7,
            "weights": "qm9",
            "weights_sha256": "0f",
            "MMFF94s_kcal_per_mol": k - 0.25,
            "relative_kcal_per_mol": k,
            "boltzmann_weight_298K": pytest.approx([first, 1 - first][k], abs=1e-6),
        }
        for k in range(2)
    ]
    assert records[1].GetProp("_Name") == "my water"
    np.testing.assert_allclose(records[1].GetConformer().GetPositions()[1], [1.76, 0.59, 0.0], atol=1e-4)


def test_xyz_is_extended_xyz(tmp_path):
    write_all(tmp_path / "out.xyz", [("w", water_result(smiles="F/C=C\\F"))], weights="qm9", eta=None)
    lines = (tmp_path / "out.xyz").read_text().splitlines()
    assert len(lines) == 2 * 5
    assert lines[5] == "3"
    assert lines[6] == (
        'Properties=species:S:1:pos:R:3 name="w" charge=0 SMILES="F/C=C\\\\F" conformer=1 seed=7 weights="qm9"'
    )
    assert lines[8].split() == ["H", "1.760000", "0.590000", "0.000000"]


def test_a_failed_result_writes_nothing(tmp_path):
    assert write_all(tmp_path / "out.sdf", [("x", GenerationResult.failure("x", "why", 1, 1))]) == [0]
    assert (tmp_path / "out.sdf").read_text() == ""


def test_the_fixed_part_is_the_first_record_of_a_file(tmp_path):
    write_all(tmp_path / "two.sdf", [("w", water_result())])
    mol = read_fixed(tmp_path / "two.sdf")
    np.testing.assert_allclose(
        mol.GetConformer().GetPositions(), water_result().ensemble.coordinates[0], atol=1e-4
    )
    (tmp_path / "bad.sdf").write_text("no molecule\n$$$$\n")
    with pytest.raises(ValueError, match=r"bad\.sdf cannot be read"):
        read_fixed(tmp_path / "bad.sdf")
