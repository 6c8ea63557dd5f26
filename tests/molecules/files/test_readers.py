"""Molecules from files of every kind that is read, also compressed."""

import gzip
import io
import sys

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem

from molediff.molecules.files.io import read_inputs
from molediff.molecules.files.pdb import NO_ORDERS

PYRIDINE_MOL2 = """# a comment before
@<TRIPOS>MOLECULE
pyridine
 11 11 0 0 0
SMALL
GASTEIGER

@<TRIPOS>ATOM
      1 C1          1.1400    0.7200    0.0000 C.ar    1  UNL1        0.0000
      2 C2          1.1950   -0.6720    0.0000 C.ar    1  UNL1        0.0000
      3 C3          0.0000   -1.3830    0.0000 C.ar    1  UNL1        0.0000
      4 C4         -1.1950   -0.6720    0.0000 C.ar    1  UNL1        0.0000
      5 C5         -1.1400    0.7200    0.0000 C.ar    1  UNL1        0.0000
      6 N6          0.0000    1.4240    0.0000 N.ar    1  UNL1        0.0000
      7 H1          2.0600    1.3000    0.0000 H       1  UNL1        0.0000
      8 H2          2.1500   -1.1800    0.0000 H       1  UNL1        0.0000
      9 H3          0.0000   -2.4700    0.0000 H       1  UNL1        0.0000
     10 H4         -2.1500   -1.1800    0.0000 H       1  UNL1        0.0000
     11 H5         -2.0600    1.3000    0.0000 H       1  UNL1        0.0000
@<TRIPOS>BOND
     1     1     2   ar
     2     2     3   ar
     3     3     4   ar
     4     4     5   ar
     5     5     6   ar
     6     6     1   ar
     7     1     7    1
     8     2     8    1
     9     3     9    1
    10     4    10    1
    11     5    11    1
"""


def smiles_of(items):
    return [
        None if item.molecule is None else Chem.MolToSmiles(Chem.RemoveHs(item.molecule)) for item in items
    ]


def test_mol2_records_come_one_by_one_and_a_bad_one_keeps_its_place(tmp_path):
    bad = "@<TRIPOS>MOLECULE\nbroken\n 1 0 0 0 0\nSMALL\n\n@<TRIPOS>ATOM\n what is this\n"
    (tmp_path / "a.mol2").write_text(PYRIDINE_MOL2 + bad + PYRIDINE_MOL2.replace("pyridine", "****"))
    items = list(read_inputs([str(tmp_path / "a.mol2")]))
    assert smiles_of(items) == ["c1ccncc1", None, "c1ccncc1"]
    assert [item.name for item in items] == ["pyridine", "broken", "a_3"]
    assert items[0].molecule.GetConformer().GetPositions()[5].tolist() == [0.0, 1.424, 0.0]


def atoms_alone(mol):
    lines = Chem.MolToPDBBlock(mol).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("CONECT"))


@pytest.mark.parametrize("smiles", ["c1ccncc1C#N", "OC(=O)CC", "CCO"])
def test_a_pdb_without_orders_gets_them_from_its_hydrogens(tmp_path, smiles):
    (tmp_path / "a.pdb").write_text(atoms_alone(embedded(smiles)))
    (item,) = read_inputs([str(tmp_path / "a.pdb")])
    assert smiles_of([item]) == [Chem.CanonSmiles(smiles)]


def test_a_pdb_without_orders_and_hydrogens_says_what_to_do(tmp_path):
    (tmp_path / "a.pdb").write_text(atoms_alone(Chem.RemoveHs(embedded("c1ccncc1"))))
    (item,) = read_inputs([str(tmp_path / "a.pdb")])
    assert (item.molecule, item.name, item.reason) == (None, "a_1", NO_ORDERS)


def test_bonds_behind_all_models_of_a_pdb_belong_to_each(tmp_path):
    mol = embedded("C=O")
    lines = Chem.MolToPDBBlock(mol).splitlines(keepends=True)
    atoms = "".join(line for line in lines if line.startswith("HETATM"))
    bonds = "".join(line for line in lines if line.startswith("CONECT"))
    text = f"MODEL        1\n{atoms}ENDMDL\nMODEL        2\n{atoms}ENDMDL\n{bonds}END\n"
    (tmp_path / "a.pdb").write_text(text)
    assert smiles_of(read_inputs([str(tmp_path / "a.pdb")])) == ["C=O", "C=O"]


def test_a_table_of_tabs_and_one_of_parquet_are_tables(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    table = pandas.DataFrame({"SMILES": ["CC,O", None, "C#N"], "Name": ["a\tb", "empty", None]})
    table.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    for name in ("a.tsv", "a.parquet"):
        items = list(read_inputs([str(tmp_path / name)]))
        assert [(item.molecule, item.name) for item in items] == [
            ("CC,O", "a\tb"),
            ("", "empty"),
            ("C#N", ""),
        ]
    with pytest.raises(ValueError, match=r"no column 'structure' .*SMILES, Name"):
        read_inputs([str(tmp_path / "a.parquet")], smiles_column="structure")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.smi", "CCO ethanol\n"),
        ("a.csv", "smiles,name\nCCO,ethanol\n"),
        ("a.tsv", "smiles\tname\nCCO\tethanol\n"),
        ("a.inchi", "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3 ethanol\n"),
        ("a.mol2", PYRIDINE_MOL2),
        ("a.sdf", f"ethanol{Chem.MolToMolBlock(embedded('CCO'))}$$$$\n"),
        ("a.mol", f"ethanol{Chem.MolToMolBlock(embedded('CCO'))}"),
        ("a.pdb", Chem.MolToPDBBlock(embedded("CCO"))),
    ],
)
def test_every_kind_of_text_may_be_compressed(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    plain, packed = (list(read_inputs([str(tmp_path / n)])) for n in (name, f"{name}.gz"))
    assert len(plain) == len(packed) == 1
    assert packed[0].name == plain[0].name
    if isinstance(plain[0].molecule, str):
        assert packed[0].molecule == plain[0].molecule
    else:
        x, expected = (item.molecule.GetConformer().GetPositions() for item in (packed[0], plain[0]))
        np.testing.assert_array_equal(x, expected)


def test_a_dash_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("C methane\n\n# no\nC#N\n"))
    assert [(item.molecule, item.name) for item in read_inputs(["-", "CO"])] == [
        ("C", "methane"),
        ("C#N", "C#N"),
        ("CO", "CO"),
    ]
