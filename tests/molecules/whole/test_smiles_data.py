"""Graphs of a file of SMILES: what is read, what is left out, and that batches hardly pad."""

import gzip

import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.whole.alphabet import MOSES, QM9, Alphabet
from molediff.molecules.whole.graphs import GraphError, mol_of, state_of
from molediff.molecules.whole.smiles_data import moses_file, read_smiles, smiles_graphs_datamodule

DRUGS = [
    "CS(=O)(=O)c1ccc(Br)cc1",
    "CS(C)=O",
    "CSc1nc(Cl)c(F)[nH]1",
    "O=C(c1ccccc1)N1CCOCC1",
    "CC(=O)Nc1ccccc1",
    "Cc1nnc(N)s1",
]


@pytest.mark.parametrize("smiles", DRUGS)
def test_drug_like_molecules_come_back_from_their_state(smiles):
    found = mol_of(state_of(Chem.MolFromSmiles(smiles), MOSES), MOSES)
    assert Chem.MolToSmiles(found) == Chem.CanonSmiles(smiles)


def test_sulfur_is_told_by_its_valence():
    valences = [
        MOSES.kinds[state_of(Chem.MolFromSmiles(smiles), MOSES)[0]].valence
        for smiles in ("SC", "S(C)(C)=O", "S(C)(C)(=O)=O")
    ]
    assert valences == [2, 4, 6]
    with pytest.raises(GraphError) as caught:
        state_of(Chem.MolFromSmiles("F[S](F)F"), MOSES)
    assert caught.value.kind == "valence"


def test_a_bond_of_no_order_is_said():
    with pytest.raises(GraphError) as caught:
        state_of(Chem.MolFromSmiles("C~C"), MOSES)
    assert caught.value.kind == "bond"


def test_an_alphabet_comes_back_from_what_weights_keep():
    assert [Alphabet.of(alphabet.described()) for alphabet in (QM9, MOSES)] == [QM9, MOSES]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.smi", "CCO ethanol\n\nc1ccccc1 benzene\n"),
        ("a.csv", "SMILES,SPLIT\nCCO,train\nc1ccccc1,train\n"),
        ("a.csv.gz", "smiles\nCCO\nc1ccccc1\n"),
    ],
)
def test_smiles_are_the_first_word_of_each_line(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    assert read_smiles(path) == ["CCO", "c1ccccc1"]


def test_an_empty_file_is_said(tmp_path):
    (tmp_path / "none.smi").write_text("SMILES\n")
    with pytest.raises(ValueError, match="holds no SMILES"):
        read_smiles(tmp_path / "none.smi")


@pytest.fixture
def file(tmp_path):
    chains = [f"{'C' * k}O" for k in range(1, 25)]
    path = tmp_path / "mine.smi"
    path.write_text("\n".join([*DRUGS, *chains, "CC[NH3+]", "not a molecule", "C" * 40, "[SiH4]"]))
    return path


def test_what_the_alphabet_does_not_know_is_left_out_and_counted(tmp_path, file):
    data = smiles_graphs_datamodule(str(file), str(tmp_path), max_atoms=20, num_validation=2)
    assert data.train.num_left_out + data.val.num_left_out == 4 + 5  # five chains are too long
    assert len(data.train) + len(data.val) == len(DRUGS) + 24 - 5
    assert "9 molecules outside the alphabet" in data.notes[0]


def test_the_cache_gives_the_same_graphs(tmp_path, file):
    first, again = (smiles_graphs_datamodule(str(file), str(tmp_path), num_validation=2) for _ in range(2))
    assert (tmp_path / "smiles_graphs" / "mine_train.safetensors").is_file()
    assert (first.train.states == again.train.states).all()
    assert first.train.familiar == again.train.familiar
    assert first.facts == again.facts


def test_another_file_of_the_same_name_is_read_anew(tmp_path, file):
    smiles_graphs_datamodule(str(file), str(tmp_path), num_validation=2)
    file.write_text("\n".join(["CCCl"] * 10))
    data = smiles_graphs_datamodule(str(file), str(tmp_path), num_validation=2)
    assert data.train.histogram() == [0, 0, 0, 8]


def test_atoms_are_numbered_as_in_the_smiles(tmp_path, file):
    file.write_text("\n".join(["NCCO"] * 5))
    data = smiles_graphs_datamodule(str(file), str(tmp_path), num_validation=2)
    ends = np.arange(4) * (np.arange(4) + 3) // 2
    assert [MOSES.kinds[label].symbol for label in data.train.states[0][ends]] == ["N", "C", "C", "O"]


def test_batches_are_of_similar_size_and_bounded(tmp_path, file):
    data = smiles_graphs_datamodule(str(file), str(tmp_path), num_validation=2, most_pairs=600)
    batches = iter(data.train_dataloader())
    for _ in range(40):
        states, sizes, _ = next(batches)
        width = int(sizes.num_nodes.max())
        assert len(states) == 1 or len(states) * width**2 <= 600
        assert width - int(sizes.num_nodes.min()) <= 12
    seen = [int(sizes.num_nodes.sum()) for _, sizes, _ in data.val_dataloader()]
    assert sum(seen) == int(data.val.num_atoms.sum())


def test_too_few_molecules_are_said(tmp_path, file):
    with pytest.raises(ValueError, match="none is left"):
        smiles_graphs_datamodule(str(file), str(tmp_path), num_validation=200)
    file.write_text("\n".join(["[SiH4]"] * 10))
    with pytest.raises(ValueError, match="No molecule of"):
        smiles_graphs_datamodule(str(file), str(tmp_path), num_validation=2)


def test_without_the_package_of_moses_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr("molediff.molecules.whole.smiles_data.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install --no-deps molsets"):
        moses_file("train")
