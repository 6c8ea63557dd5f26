"""Minima packed in one small file."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.data.minima import Minima, connectivity_key, load_minima, pack_minima, read_keys
from tests.fake_generators import embedded
from tests.places import DATA

SMILES = ["C[C@H](O)CS", "OB(O)c1ccccc1", "CS(C)(=O)=O"]


def write_sdf(path: Path, smiles: list[str]) -> None:
    with Chem.SDWriter(str(path)) as writer:
        for one in smiles:
            mol = embedded(one)
            mol.SetProp("smiles", one)
            mol.SetProp("relative_energy_kcal_mol", "1.5")
            writer.write(mol)


def test_what_is_packed_comes_back_with_features(tmp_path: Path):
    write_sdf(tmp_path / "minima.sdf", [*SMILES, SMILES[0]])
    minima, left_out = pack_minima(tmp_path / "minima.sdf")
    assert not left_out
    minima.save(tmp_path / "minima.npz")
    for _ in range(2):  # the second time from the cache
        loaded = load_minima(tmp_path / "minima.npz")
        assert [loaded.smiles(i) for i in range(4)] == [*SMILES, SMILES[0]]
        x = embedded(SMILES[1]).GetConformer().GetPositions()
        np.testing.assert_allclose(loaded.positions(1), x - x.mean(0), atol=6e-4)
        assert loaded.batch([0, 1, 2]).node_codes.shape[-1] == 8
    assert minima.energies.tolist() == [1.5] * 4


def test_arrays_are_a_source_too(tmp_path: Path):
    mols = [embedded(one) for one in SMILES]
    np.savez(
        tmp_path / "source.npz",
        smiles=np.array(SMILES),
        molecule=np.arange(3),
        num_atoms=np.array([mol.GetNumAtoms() for mol in mols]),
        Z=np.concatenate([[a.GetAtomicNum() for a in mol.GetAtoms()] for mol in mols]),
        X=np.concatenate(
            [np.round(mol.GetConformer().GetPositions() * 1000).astype(np.int16) for mol in mols]
        ),
    )
    minima, left_out = pack_minima(tmp_path / "source.npz")
    assert not left_out
    assert minima.smiles_list() == SMILES


def test_stereoisomers_of_an_excluded_molecule_are_left_out(tmp_path: Path):
    write_sdf(tmp_path / "minima.sdf", SMILES)
    minima, left_out = pack_minima(tmp_path / "minima.sdf", {connectivity_key("C[C@@H](O)CS")})
    assert minima.smiles_list() == SMILES[1:]
    assert left_out == {"excluded or outside the vocabulary": 1}


def test_atoms_in_another_order_than_the_smiles_are_left_out(tmp_path: Path):
    with Chem.SDWriter(str(tmp_path / "minima.sdf")) as writer:
        mol = embedded("CO")
        mol.SetProp("smiles", "OC")
        writer.write(mol)
    assert pack_minima(tmp_path / "minima.sdf")[1] == {"atoms in another order than the SMILES": 1}


def test_another_file_is_refused(tmp_path: Path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match=r"other.npz has no smiles, molecule"):
        Minima.read(tmp_path / "other.npz")


def test_no_molecule_of_a_benchmark_is_in_the_training_data():
    benchmark = read_keys(DATA / "benchmark_keys.txt.gz")
    assert len(benchmark) > 9000
    benchmark |= read_keys(DATA / "crystal_inchikey14.txt")
    trained = {
        Chem.CanonSmiles(smiles, useChiral=0)
        for smiles in Minima.read(DATA / "drugs_minima.npz").smiles_list()
    }
    assert not benchmark & {connectivity_key(smiles) for smiles in trained}
