"""Results in the forms of other packages: pandas, ASE, PyTorch Geometric."""

from dataclasses import replace

import ase
import ase.io
import numpy as np
import pytest
import torch
from ase.build import molecule
from fake_generators import embedded
from rdkit import Chem
from torch_geometric.loader import DataLoader

import molediff
from molediff.molecules import from_ase
from molediff.molecules.conformers import with_conformers
from molediff.molecules.errors import PerceptionError
from molediff.molecules.generation.result import GenerationResult
from tests.molecules.files.test_io import water_result


def ethanol(num: int = 3) -> GenerationResult:
    """Ethanol with conformers shifted by their number."""
    mol = embedded("CCO")
    x = mol.GetConformer().GetPositions()
    return GenerationResult(
        "CCO", with_conformers(mol, [x + k for k in range(num)]), "ok", "", num, 3,
        energies=np.array([0.5, np.nan, 0.0])[:num], energy_method="MMFF94s",
        samples=np.array([[0, 0], [1, 0], [2, 1]])[:num],
        provenance={"weights": "qm9", "pool": 7},
    )  # fmt: skip


def test_a_frame_has_a_row_for_every_conformer_and_units_in_its_columns():
    pytest.importorskip("pandas")
    frame = ethanol().to_dataframe()
    assert len(frame) == 3
    np.testing.assert_array_equal(frame["energy_kcal_per_mol"], [0.5, np.nan, 0.0])
    np.testing.assert_array_equal(frame["relative_kcal_per_mol"], [0.5, np.nan, 0.0])
    assert frame["boltzmann_weight_298K"].sum() == pytest.approx(1.0)
    assert frame["sample"].tolist() == [0, 1, 2]
    assert frame["pool"].tolist() == [7, 7, 7]  # what is not known of all results comes last
    assert set(frame["isomeric_smiles"]) == {"CCO"}


def test_a_frame_of_a_failure_has_the_columns_and_no_rows():
    pandas = pytest.importorskip("pandas")
    empty = GenerationResult.failure("X", "why", 1, 0).to_dataframe()
    assert len(empty) == 0
    both = pandas.concat([ethanol().to_dataframe(), empty])
    assert both["seed"].dtype == "Int64"
    assert len(both) == 3


def test_the_frame_shows_the_stereo_that_the_coordinates_have():
    """The input left the centre open; each conformer decides for itself."""
    one = embedded("C[C@H](O)F")
    x = one.GetConformer().GetPositions()
    mol = with_conformers(Chem.AddHs(Chem.MolFromSmiles("CC(O)F")), [x, x * [1, 1, -1]])
    frame = GenerationResult("CC(O)F", mol, "ok", "", 2, 0).to_dataframe()
    assert frame["isomeric_smiles"].tolist() == [Chem.CanonSmiles(s) for s in ("C[C@H](O)F", "C[C@@H](O)F")]


def test_ase_gets_coordinates_charges_and_provenance():
    frames = ethanol().to_ase()
    assert [frame.get_chemical_formula() for frame in frames] == ["C2H6O"] * 3
    np.testing.assert_array_equal(frames[1].positions, ethanol().ensemble.coordinates[1])
    assert frames[2].info["MMFF94s_kcal_per_mol"] == 0.0
    assert "MMFF94s_kcal_per_mol" not in frames[1].info
    assert (frames[0].info["weights"], frames[2].info["attempt"]) == ("qm9", 1)


def test_ase_reads_from_xyz_the_energy_of_a_method_whose_name_has_blanks(tmp_path):
    learned = replace(ethanol(), energy_method="AIMNet2 as learned by drugs")
    molediff.write(learned, tmp_path / "a.xyz")
    known = [frame.info for frame in ase.io.read(tmp_path / "a.xyz", index=":")]
    assert known[0].keys() == learned.to_ase()[0].info.keys()
    assert known[0]["AIMNet2_as_learned_by_drugs_kcal_per_mol"] == 0.5


def labelled(mol, x):
    """Elements with their places, whatever their order."""
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    return {tuple(row) for row in np.column_stack([numbers, x]).round(6)}


@pytest.mark.parametrize("smiles", ["CCO", "c1ccncc1C#N", "C[C@H](O)F", "CC(=O)[O-]"])
@pytest.mark.parametrize("named", [True, False])
def test_ase_and_back_is_the_same_molecule(smiles, named):
    mol = embedded(smiles)
    x = mol.GetConformer().GetPositions()
    charge = Chem.GetFormalCharge(mol)
    result = GenerationResult(smiles, with_conformers(mol, [x, x + 0.1]), "ok", "", 2, 0)
    back = from_ase(result.to_ase(), smiles=smiles if named else None)  # the charge is in info
    assert Chem.GetFormalCharge(back) == charge
    assert Chem.MolToSmiles(Chem.RemoveHs(back)) == Chem.CanonSmiles(smiles)
    assert back.GetNumConformers() == 2
    for conformer, shift in zip(back.GetConformers(), (0.0, 0.1), strict=True):
        expected = labelled(mol, x + shift)
        found = labelled(back, conformer.GetPositions())
        assert found == expected


def test_a_structure_of_ase_that_is_no_molecule_says_so():
    with pytest.raises(PerceptionError, match="connectivity does not match"):
        from_ase(molecule("CH3CH2OH"), smiles="CCN")
    with pytest.raises(PerceptionError, match="several molecules"):
        from_ase(ase.Atoms("OH2OH2", np.concatenate([molecule("H2O").positions + 9 * k for k in range(2)])))
    with pytest.raises(ValueError, match="got none"):
        from_ase([])
    for given, kind in (("frames.xyz", "str"), (None, "NoneType"), ([molecule("CH4"), 3], "int")):
        with pytest.raises(TypeError, match=f"takes one ase.Atoms, or several.*got {kind}"):
            from_ase(given)
    with pytest.raises(ValueError, match="different molecules"):
        from_ase([molecule("H2O"), molecule("CH4")])


def test_pyg_data_go_through_a_loader():
    (batch,) = DataLoader(ethanol().to_data() + water_result().to_data(), batch_size=5)
    assert batch.num_graphs == 5
    assert batch.pos.shape == (3 * 9 + 2 * 3, 3)
    assert batch.z[:9].tolist() == [6, 6, 8] + 6 * [1]
    assert batch.edge_index.shape == (2, 2 * (3 * 8 + 2 * 2))
    assert batch.edge_attr.unique().tolist() == [1.0]
    torch.testing.assert_close(batch.energy[:3], torch.tensor([0.5, float("nan"), 0.0]), equal_nan=True)


def test_text_is_returned_and_a_file_is_written(tmp_path):
    text = ethanol().to_sdf()
    assert text.count("$$$$") == 3
    assert ethanol().to_sdf(tmp_path / "a.sdf") is None
    assert (tmp_path / "a.sdf").read_text() == text
    ethanol().to_xyz(tmp_path / "a.xyz.gz")
    with pytest.raises(ValueError, match=r"must end in \.sdf or \.sdf\.gz"):
        ethanol().to_sdf(tmp_path / "a.xyz")
    assert GenerationResult.failure("X", "why", 1, 0).to_sdf() == ""


def test_repr_says_what_one_wants_to_know():
    assert repr(ethanol()) == (
        "<GenerationResult CCO: ok, 3 of 3 conformers, MMFF94s within 0.5 kcal/mol, seed 3, 0 s>"
    )
    failed = GenerationResult.failure("X", "not a SMILES", 5, 0)
    assert repr(failed) == "<GenerationResult X: failed, 0 of 5 conformers, seed 0, 0 s; not a SMILES>"
