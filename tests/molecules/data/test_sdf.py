"""Conformers from SDF files."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import AllChem

from molediff.molecules.data.qm9 import QM9
from molediff.molecules.data.sdf import hash_split, load_sdf
from molediff.molecules.graph.graph import collate

SMILES = ("C[C@H](O)C(N)=O", "C[C@@H](O)C(N)=O", "F/C=C/F", "F/C=C\\F", "CCO", "NCC#N", "CC(=O)O", "C1CC1")


def block(mol: Chem.Mol, title: str = "") -> str:
    mol.SetProp("_Name", title)
    return Chem.MolToMolBlock(mol, kekulize=True) + "$$$$\n"


def embedded(smiles: str, seed: int = 1) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(mol, randomSeed=seed) == 0
    return mol


def test_conformers_come_back_with_stereo_from_the_coordinates(tmp_path: Path):
    path = tmp_path / "mine.sdf"
    path.write_text("".join(block(embedded(smiles)) for smiles in SMILES))
    dataset = load_sdf(path)
    assert [dataset.smiles(i) for i in range(len(dataset))] == [Chem.CanonSmiles(s) for s in SMILES]
    assert not dataset.skipped
    batch, expected = dataset.batch([0, 4]), collate([dataset[0], dataset[4]])
    assert torch.equal(batch.pair_codes, expected.pair_codes)
    assert torch.equal(batch.positions, expected.positions)


def test_qm9_through_sdf_is_the_same_data(tmp_path: Path, qm9_rows: QM9):
    path = tmp_path / "qm9.sdf"
    path.write_text("".join(block(qm9_rows.dataset.mol(i)) for i in range(len(qm9_rows))))
    dataset = load_sdf(path)
    assert len(dataset) == len(qm9_rows)
    differing = [
        qm9_rows.index[i] for i in range(len(dataset)) if dataset.smiles(i) != qm9_rows.dataset.smiles(i)
    ]
    assert not differing
    for i in range(len(dataset)):
        ours, theirs = dataset[i], qm9_rows.dataset[i]
        assert torch.equal(ours.node_codes, theirs.node_codes)
        # An SDF file has four decimals; equivalent atoms may have changed places.
        torch.testing.assert_close(
            torch.pdist(ours.pos).sort().values, torch.pdist(theirs.pos).sort().values, atol=3e-4, rtol=0
        )


def test_conformers_of_a_molecule_share_its_graph_whatever_their_order_of_atoms(tmp_path: Path):
    rng = np.random.default_rng(0)
    text = ""
    for seed in range(1, 6):
        mol = embedded("C[C@H](O)C(N)=O", seed)
        text += block(Chem.RenumberAtoms(mol, rng.permutation(mol.GetNumAtoms()).tolist()))
    (tmp_path / "many.sdf").write_text(text)
    dataset = load_sdf(tmp_path)
    assert len(dataset) == 5
    assert dataset.packed.smiles_list() == [Chem.CanonSmiles("C[C@H](O)C(N)=O")]
    # Each conformer's atoms were put in the one order: bonded atoms are bonded in all of them.
    batch = dataset.batch(range(5))
    bonded = batch.pair_codes[..., 0] > 0
    assert torch.cdist(batch.positions, batch.positions)[bonded].max() < 1.7


def test_records_that_cannot_be_used_are_left_out_and_counted(tmp_path: Path):
    good, flat = embedded("CCO"), Chem.AddHs(Chem.MolFromSmiles("CCO"))
    AllChem.Compute2DCoords(flat)
    broken = block(good, "broken").replace(" C  ", " Q! ", 1)
    records = [
        block(good, "good"),
        block(flat, "flat"),
        block(Chem.RemoveHs(embedded("CCO")), "bare"),
        block(embedded("C[SiH3]"), "silane"),
        block(embedded("CC.O"), "pair"),
        block(embedded("[2H]C"), "deuterated"),
        block(embedded("C[CH2]"), "radical"),
        broken,
        "nonsense\n\n\nnot a table\nM  END\n$$$$\n",
        block(good, "good again"),
    ]
    path = tmp_path / "mixed.sdf"
    path.write_text("".join(records))
    dataset = load_sdf(path)
    assert len(dataset) == 2
    reasons = {record.title: record.reason for record in dataset.skipped}
    assert len(dataset.skipped) == len(records) - 2
    assert "two-dimensional" in reasons["flat"]
    assert "hydrogens are missing" in reasons["bare"]
    assert "is Si" in reasons["silane"]
    assert "several fragments" in reasons["pair"]
    assert "isotopes" in reasons["deuterated"]
    assert "radical" in reasons["radical"]
    assert [record.record for record in dataset.skipped] == list(range(1, 9))
    assert sum(dataset.reasons().values()) == len(dataset.skipped)


def test_folders_and_compressed_files_are_read(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.sdf").write_text(block(embedded("CCO")))
    with gzip.open(tmp_path / "b.sdf.gz", "wt") as file:
        file.write(block(embedded("NCC#N")))
    (tmp_path / "notes.txt").write_text("not a molecule")
    dataset = load_sdf(tmp_path)
    assert sorted(dataset.packed.smiles_list()) == ["CCO", "N#CCN"]


def test_nothing_to_read_is_said_in_words(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        load_sdf(tmp_path / "missing.sdf")
    with pytest.raises(FileNotFoundError, match="no SDF file"):
        load_sdf(tmp_path)
    (tmp_path / "flat.sdf").write_text(block(Chem.RemoveHs(embedded("CCO"))))
    with pytest.raises(ValueError, match=r"can be used: hydrogens are missing.* \(1\)"):
        load_sdf(tmp_path / "flat.sdf")


def test_no_molecule_straddles_the_splits(tmp_path: Path):
    text = ""
    for n in range(1, 25):
        for end, seed in (("O", 1), ("O", 2), ("N", 3)):
            text += block(embedded("C" * n + end, seed))
    (tmp_path / "chains.sdf").write_text(text)
    dataset = load_sdf(tmp_path)
    parts = [dataset.split(split) for split in ("train", "val", "test")]
    assert sum(len(part) for part in parts) == len(dataset) == 72
    assert len(parts[0]) > len(parts[1]) > 0
    assert len(parts[2]) > 0
    smiles = [{part.smiles(i) for i in range(len(part))} for part in parts]
    assert not smiles[0] & smiles[1]
    assert not (smiles[0] | smiles[1]) & smiles[2]
    with pytest.raises(ValueError, match="choose one of"):
        dataset.split("all")


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(SMILES), st.integers(0, 1000))
def test_split_depends_on_the_constitution_alone(smiles, seed):
    mol = Chem.MolFromSmiles(smiles)
    written = Chem.MolToSmiles(mol, doRandom=True) if seed else smiles
    Chem.RemoveStereochemistry(mol)
    assert hash_split(written) == hash_split(Chem.MolToSmiles(mol))


def test_split_of_known_molecules_is_fixed():
    # Recorded: a molecule's place must not change from one version to the next.
    places = [hash_split("C" * n) for n in range(1, 13)]
    assert places == ["val", *["train"] * 10, "test"]
