"""Files of plain numbers: what is read back, and how one that is none, or no longer whole, is told."""

import re

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem

import molediff
from molediff.molecules.files.arrays import read_arrays


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "a.npz"
    molediff.write([embedded("CO"), embedded("c1ccncc1")], path)
    return path


def test_isotopes_come_back_and_files_without_them_are_read(tmp_path, whole):
    smiles = "[2H]C([2H])([2H])[13CH2]O"
    molediff.write(embedded(smiles), tmp_path / "b.npz")
    (saved,) = read_arrays(tmp_path / "b.npz")
    assert Chem.MolToSmiles(Chem.RemoveHs(saved.mol)) == Chem.CanonSmiles(smiles)
    earlier = {name: values for name, values in np.load(whole).items() if name != "isotopes"}
    np.savez(tmp_path / "c.npz", **earlier)
    assert [saved.name for saved in read_arrays(tmp_path / "c.npz")] == ["CO", "c1ccncc1"]


def test_a_file_of_numbers_of_another_kind_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="is no file of conformers"):
        next(read_arrays(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    "make",
    [
        lambda whole: b"",
        lambda whole: b"CCO ethanol\n",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole.replace(
            whole[(at := whole.index(b"coordinates.npy") + 60) : at + 8], b"12345678"
        ),
    ],
    ids=["empty", "text", "cut", "damaged"],
)
def test_a_file_that_is_no_longer_whole_is_told_by_its_name(whole, make):
    whole.write_bytes(make(whole.read_bytes()))
    with pytest.raises(
        ValueError, match=rf"{re.escape(str(whole))} is no \.npz file, or is cut short"
    ) as told:
        list(read_arrays(whole))
    assert "pickle" not in str(told.value)


def test_one_array_alone_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3))
    with pytest.raises(ValueError, match=r"is no \.npz file"):
        list(read_arrays(tmp_path / "a.npy"))


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("num_atoms", lambda values: values * 2, "not of the same molecules"),
        ("names", lambda values: values[:1], "not of the same molecules"),
        ("coordinates", lambda values: values[:-1], "not of the same molecules"),
        ("bond_orders", lambda values: values * 7, "molecule 0"),
        ("atomic_numbers", lambda values: values * 50, "molecule 0"),
        ("provenance", lambda values: np.array(["{"] * len(values)), "molecule 0"),
    ],
)
def test_arrays_that_make_no_molecules_are_told_and_none_is_lost_in_silence(whole, name, change, says):
    arrays = dict(np.load(whole))
    np.savez(whole, **arrays | {name: change(arrays[name])})
    with pytest.raises(ValueError, match=f"is damaged: .*{says}"):
        list(read_arrays(whole))
