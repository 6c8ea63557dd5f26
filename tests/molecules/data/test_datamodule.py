"""Data modules of ensembles: what is trained on and what is held out."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.data.datamodule import ensembles_datamodule


def write(path: Path, smiles: list[str], num_conformers: int) -> str:
    with Chem.SDWriter(str(path)) as writer:
        for text in smiles:
            mol = Chem.AddHs(Chem.MolFromSmiles(text))
            for conformer in rdDistGeom.EmbedMultipleConfs(mol, num_conformers, randomSeed=1):
                writer.write(mol, confId=conformer)
    return str(path)


def test_all_of_one_file_is_trained_on_and_all_of_the_other_held_out(tmp_path: Path):
    train = write(tmp_path / "train.sdf", ["CCO", "C[C@H](F)O", "CCN"], 3)
    val = write(tmp_path / "val.sdf", ["CCCO", "NCCO"], 4)
    data = ensembles_datamodule(train, val, batch_size=2, num_reference=5)
    assert (len(data.train), len(data.val)) == (9, 8)
    assert [Chem.MolToSmiles(Chem.RemoveHs(mol)) for mol in data.reference_mols] == ["CCCO", "NCCO"]
    first = Chem.SDMolSupplier(val, removeHs=False)[0].GetConformer().GetPositions()
    centred = [x - x.mean(0) for x in (first, data.reference_mols[0].GetConformer().GetPositions())]
    assert np.allclose(*map(np.linalg.norm, centred), atol=1e-3)


def test_a_molecule_in_both_files_is_refused_also_as_another_stereoisomer(tmp_path: Path):
    train = write(tmp_path / "train.sdf", ["CCO", "C[C@H](F)O"], 1)
    val = write(tmp_path / "val.sdf", ["C[C@@H](F)O"], 1)
    with pytest.raises(ValueError, match="share 1 molecules"):
        ensembles_datamodule(train, val)


def test_records_that_cannot_be_used_are_counted_by_reason(tmp_path: Path):
    train = write(tmp_path / "train.sdf", ["CCO", "C[Si](C)(C)C"], 1)
    val = write(tmp_path / "val.sdf", ["CCCO"], 1)
    (note,) = ensembles_datamodule(train, val).notes
    assert note.startswith(f"{train}: 1 records were left out: ")
