"""Records of files become ensembles with the energies and the stereo that the file speaks of."""

import numpy as np
import pytest
from fake_generators import embedded
from places import DATA
from rdkit import Chem

import molediff
from molediff.evaluation.conformers.inspection.ensembles import read_own
from molediff.molecules.conformers import with_conformers
from molediff.molecules.generation.result import GenerationResult


def result_of(smiles: str, num: int = 3, **more) -> GenerationResult:
    mol = embedded(smiles)
    x = mol.GetConformer().GetPositions()
    return GenerationResult(smiles, with_conformers(mol, [x] * num), "ok", "", num, 1, **more)


@pytest.mark.parametrize("suffix", [".sdf", ".sdf.gz", ".xyz", ".parquet"])
def test_records_of_one_molecule_are_one_ensemble(tmp_path, suffix):
    results = [result_of("CCO"), result_of("CC=O", num=2), result_of("CCO")]
    molediff.write(results, tmp_path / f"a{suffix}", names=["one", "two", "one"])
    found = list(read_own([str(tmp_path / f"a{suffix}")]))
    assert [(own.name, own.mol.GetNumConformers()) for own in found] == [("one", 3), ("two", 2), ("one", 3)]


def test_records_without_titles_are_told_apart_by_their_molecules(tmp_path):
    blocks = [Chem.MolToMolBlock(embedded(smiles)) for smiles in ("CCO", "CCO", "COC")]
    (tmp_path / "mine.sdf").write_text("$$$$\n".join([*blocks, ""]))
    assert [(own.name, own.mol.GetNumConformers()) for own in read_own([str(tmp_path / "mine.sdf")])] == [
        ("mine", 2),
        ("mine_3", 1),
    ]


def test_energies_and_provenance_come_from_the_properties(tmp_path):
    energies = np.array([-5070.25, np.nan, -5069.0])
    result = result_of("CCO", energies=energies, energy_method="GFN2-xTB", provenance={"weights": "qm9"})
    molediff.write(result, tmp_path / "a.sdf")
    (own,) = read_own([str(tmp_path / "a.sdf")])
    np.testing.assert_array_equal(own.energies, energies)
    assert own.energy_method == "GFN2-xTB"
    assert dict(own.made) == {"weights": "qm9", "seed": "1"}


def test_the_stereo_that_a_record_asks_for_is_on_its_mol(tmp_path):
    """The coordinates have the other hand; the reader of SDF would take its tags from them."""
    shown, asked = "C[C@H](O)F", "C[C@@H](O)F"
    mol = embedded(shown)
    mol.SetProp("_Name", "x")
    mol.SetProp("SMILES", asked)
    with Chem.SDWriter(str(tmp_path / "a.sdf")) as writer:
        writer.write(mol)
    (own,) = read_own([str(tmp_path / "a.sdf")])
    assert own.asks_stereo
    assert Chem.MolToSmiles(Chem.RemoveHs(own.mol)) == Chem.CanonSmiles(asked)
    seen = Chem.Mol(own.mol)
    Chem.AssignStereochemistryFrom3D(seen)
    assert Chem.MolToSmiles(Chem.RemoveHs(seen)) == Chem.CanonSmiles(shown)


def test_a_smiles_of_another_molecule_asks_for_nothing(tmp_path):
    mol = embedded("CCO")
    mol.SetProp("SMILES", "CCN")
    with Chem.SDWriter(str(tmp_path / "a.sdf")) as writer:
        writer.write(mol)
    (own,) = read_own([str(tmp_path / "a.sdf")])
    assert not own.asks_stereo


def test_what_has_no_coordinates_says_so(tmp_path):
    flat = Chem.MolFromSmiles("CCO")
    from rdkit.Chem import rdDepictor

    rdDepictor.Compute2DCoords(flat)
    (tmp_path / "flat.mol").write_text(Chem.MolToMolBlock(flat))
    (tmp_path / "a.smi").write_text("CCO ethanol\n")
    (tmp_path / "bad.sdf").write_text("no molecule\n$$$$\n")
    found = list(read_own([str(tmp_path / name) for name in ("flat.mol", "a.smi", "bad.sdf")]))
    assert [own.mol for own in found] == [None] * 3
    assert [own.reason.split()[-1] for own in found] == ["dimensions.", "first.", "structures."]


def test_real_ensembles_keep_their_molecules_and_minima():
    found = list(read_own([str(DATA / "ensembles_test.sdf.gz")]))
    assert len(found) == 200
    assert sum(own.mol.GetNumConformers() for own in found) == 2646
