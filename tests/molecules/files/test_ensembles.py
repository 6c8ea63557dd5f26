"""Records that follow each other and are conformers of one molecule."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.files.ensembles import as_ensembles
from molediff.molecules.files.io import read_inputs


def embedded(smiles, num, title="", seed=1):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=seed)
    mol.SetProp("_Name", title)
    return mol


def write(path, *mols):
    with Chem.SDWriter(str(path)) as writer:
        for mol in mols:
            for conformer in mol.GetConformers():
                writer.write(mol, conformer.GetId())


def read(path):
    return list(as_ensembles(read_inputs([str(path)])))


def test_conformers_in_a_file_keep_the_data_that_all_of_them_have(tmp_path):
    mols = [embedded("CCCO", 1, seed=seed) for seed in (1, 2)]
    for score, mol in enumerate(mols):
        mol.SetProp("assay", "7")
        mol.SetProp("score", str(score))
    write(tmp_path / "a.sdf", *mols)
    with pytest.warns(UserWarning, match="conformers of 1 molecule"):
        (item,) = read(tmp_path / "a.sdf")
    assert item.data == {"assay": "7"}


@pytest.mark.parametrize("title", ["mine", ""])
def test_twenty_conformers_in_a_file_are_one_molecule_and_that_is_said(tmp_path, title):
    mol = embedded("CCCO", 20, title)
    write(tmp_path / "a.sdf", mol)
    with pytest.warns(UserWarning, match="^20 records .* conformers of 1 molecule: "):
        (item,) = read(tmp_path / "a.sdf")
    assert item.molecule.GetNumConformers() == 20
    assert item.name == (title or "a")
    for one, other in zip(mol.GetConformers(), item.molecule.GetConformers(), strict=True):
        np.testing.assert_allclose(one.GetPositions(), other.GetPositions(), atol=1e-4)


def test_other_molecules_between_them_keep_their_place(tmp_path):
    write(tmp_path / "a.sdf", embedded("CCO", 2, "x"), embedded("CCN", 1, "y"), embedded("CCO", 3, "x"))
    with pytest.warns(UserWarning, match="^5 records .* of 2 molecules"):
        items = read(tmp_path / "a.sdf")
    assert [(item.name, item.molecule.GetNumConformers()) for item in items] == [("x", 2), ("y", 1), ("x", 3)]


@pytest.mark.filterwarnings("error")
def test_another_name_stereo_or_no_coordinates_are_another_molecule(tmp_path):
    write(tmp_path / "names.sdf", embedded("CCO", 1, "x"), embedded("CCO", 1, "y", seed=2))
    write(tmp_path / "hands.sdf", embedded("C[C@H](O)N", 1, "x"), embedded("C[C@@H](O)N", 1, "x"))
    flat = Chem.MolFromSmiles("CCO")
    (tmp_path / "flat.sdf").write_text((Chem.MolToMolBlock(flat) + "$$$$\n") * 2)
    (tmp_path / "words.smi").write_text("CCO\nCCO\n")
    for name in ("names.sdf", "hands.sdf", "flat.sdf", "words.smi"):
        assert len(read(tmp_path / name)) == 2, name


def test_frames_of_xyz_are_conformers(tmp_path):
    frames = [Chem.MolToXYZBlock(embedded("CCO", 3), confId=number) for number in range(3)]
    (tmp_path / "a.xyz").write_text("".join(frames))
    with pytest.warns(UserWarning, match="^3 records"):
        (item,) = read(tmp_path / "a.xyz")
    assert (item.name, item.molecule.GetNumConformers()) == ("a", 3)
