"""`sample=whole` and the words of `molediff molecules`, with the weights that ship."""

import runpy
import sys

import pytest
from places import SCRIPTS
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.commands.molecules import _values
from molediff.evaluation.whole.sample import sample
from molediff.molecules.whole.files import read_scaffold_given, takes_shapes


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.syspath_prepend(str(SCRIPTS))

    def command(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["sample.py", "sample=whole", *words, "threads=1", "progress=false"])
        runpy.run_path(str(SCRIPTS / "sample.py"), run_name="__main__")

    return command


def test_graphs_of_a_composition_are_written_by_the_script(run, tmp_path, capsys):
    run("num_molecules=2", "composition=C4H8O", "output=new.smi", "seed=3")
    lines = (tmp_path / "new.smi").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["new_0", "new_1"]
    assert "2 new molecules in new.smi" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["num_molecules=0"], "num_molecules"),
        (["output=new.doc"], ".sdf"),
        (["scaffold='C(C)(C)(C)(C)C'"], "valence may be impossible"),
        (["composition=C2H2F4"], "none like it"),
        (["+properties.gap=0.2"], "know no properties"),
        (["weights=qm9_b3lyp"], "conformers"),
        (["CCO"], "key=value"),
    ],
)
def test_mistakes_are_one_line(run, capsys, words, message):
    with pytest.raises(SystemExit) as ended:
        run("output=new.smi", *words)
    assert ended.value.code
    assert message in capsys.readouterr().err


def test_a_scaffold_in_a_file_keeps_its_coordinates(tmp_path):
    mol = Chem.AddHs(Chem.MolFromSmiles("C1CC1"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    with Chem.SDWriter(str(tmp_path / "ring.sdf")) as writer:
        writer.write(mol)
    read = read_scaffold_given(str(tmp_path / "ring.sdf"))
    assert read.GetConformer().Is3D()
    assert read_scaffold_given("C1CC1*") == "C1CC1*"
    output = tmp_path / "new.smi"
    assert sample(str(output), "qm9_graphs", None, 2, scaffold=str(tmp_path / "ring.sdf"), seed=1) == 2
    ring = Chem.MolFromSmarts("C1CC1")
    assert all(
        Chem.MolFromSmiles(line.split()[0]).HasSubstructMatch(ring)
        for line in output.read_text().splitlines()
    )


def test_a_file_says_whether_it_takes_shapes():
    assert takes_shapes("a.sdf.gz")
    assert not takes_shapes("A.SMI")
    with pytest.raises(ValueError, match=r"\.sdf"):
        takes_shapes("a.doc")


def test_properties_are_names_and_values():
    assert _values(["gap=0.25", "homo = -0.2"]) == {"gap": 0.25, "homo": -0.2}
    assert _values(None) is _values([]) is None
    for wrong in ("gap", "gap=high"):
        with pytest.raises(ValueError, match="NAME=VALUE"):
            _values([wrong])
