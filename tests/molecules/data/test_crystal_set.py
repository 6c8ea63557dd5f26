"""What is chosen as a crystal conformer to test on, and that the shipped set is such."""

import gzip

import numpy as np
import pytest
from places import DATA
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from molediff.evaluation.conformers.references import read_references
from molediff.molecules.data.crystal_set import build, choose, count_rotors, is_drug_like, is_sane
from molediff.molecules.files.sdf import read_sdf, sdf_record, title_of
from molediff.molecules.perception.canonical import assign_stereo

IBUPROFEN = "CC(C)Cc1ccc(cc1)[C@H](C)C(=O)O"
OTHERS = ["CC(=O)Nc1ccc(O)cc1CCO", "O=C(O)c1ccccc1OC(C)=O", "CN1CCC[C@H]1c1cccnc1", "CCCCCCCCOCCCO"]


def deposited(smiles: str, title: str = "1ABC_IBP") -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=2) == 0
    rdForceFieldHelpers.MMFFOptimizeMolecule(mol, "MMFF94s", 2000)
    mol.SetProp("_Name", title)
    assign_stereo(mol)
    return mol


def test_sane_geometry_passes_and_a_stretched_bond_does_not():
    mol = deposited(IBUPROFEN)
    assert is_sane(mol)
    x = mol.GetConformer().GetPositions()
    x[0] += 0.3 * (x[0] - x[1]) / np.linalg.norm(x[0] - x[1])
    mol.GetConformer().SetPositions(x)
    assert not is_sane(mol)


def test_hydrogens_are_not_judged():
    mol = deposited(IBUPROFEN)
    x = mol.GetConformer().GetPositions()
    hydrogen = next(a.GetIdx() for a in mol.GetAtoms() if a.GetAtomicNum() == 1)
    x[hydrogen] += 0.4
    mol.GetConformer().SetPositions(x)
    assert is_sane(mol)


@pytest.mark.parametrize(
    "smiles", ["CCO", "CCCCCCCC[CH2]CC.O", "CCCCCCCC[Se]CC", "CCCCCCCCCC[CH2]", "CCCCCCCC[Hg]CC"]
)
def test_what_is_small_mixed_radical_or_metal_is_not_drug_like(smiles):
    expected = "Se" in smiles
    assert is_drug_like(Chem.AddHs(Chem.MolFromSmiles(smiles))) == expected


def test_rotors_are_counted_without_hydrogens():
    assert count_rotors(Chem.AddHs(Chem.MolFromSmiles("CCCCO"))) == 2


def test_barred_and_unlisted_ligands_and_second_records_are_left_out():
    mols = [deposited(IBUPROFEN, "1ABC_IBP"), deposited(IBUPROFEN, "2ABC_IB2")]
    mols += [deposited(smiles, f"3ABC_L{place}") for place, smiles in enumerate(OTHERS)]
    key = Chem.MolToInchiKey(mols[2]).split("-")[0]
    chosen = choose(mols, {"IBP", "IB2", "L0", "L1", "L3"}, {key}, 3, seed=1)
    assert [title_of(ligand.mol) for ligand in chosen] == ["1ABC_IBP", "3ABC_L1", "3ABC_L3"]
    with pytest.raises(ValueError, match="but 3 pass"):
        choose(mols, {"IBP", "L1", "L3"}, set(), 4, seed=1)


def test_the_same_choice_gives_the_same_bytes(tmp_path):
    source = tmp_path / "source.sdf"
    mols = [deposited(smiles, f"3ABC_L{place}") for place, smiles in enumerate(OTHERS)]
    source.write_text("".join(sdf_record(mol, -1, title_of(mol), {}) for mol in mols))
    (tmp_path / "ids.tsv").write_text("id\tdate\nL0\t2021\nL1\t2022\nL3\t2023\n")
    files = []
    for name in ("a", "b"):
        output, keys = tmp_path / f"{name}.sdf.gz", tmp_path / f"{name}.txt"
        found = build(str(source), str(tmp_path / "ids.tsv"), None, 2, 5, str(output), str(keys))
        files.append((output.read_bytes(), keys.read_text()))
    assert found["num"] == 2
    assert files[0] == files[1]
    assert len(files[0][1].split()) == 2


# The set that ships -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return read_references(DATA / "crystal_ligands.sdf.gz")


def test_shipped_ligands_are_300_sane_molecules_with_their_keys(shipped):
    assert len(shipped) == 300
    assert all(map(is_drug_like, shipped))
    # Of the ranges at the time they were chosen; later ones may be narrower.
    assert np.mean([is_sane(mol) for mol in shipped[::5]]) > 0.9
    keys = {Chem.MolToInchiKey(mol).split("-")[0] for mol in shipped}
    assert len(keys) == 300
    assert keys == set((DATA / "crystal_inchikey14.txt").read_text().split())


def test_shipped_smiles_are_those_of_the_coordinates():
    for record in read_sdf(DATA / "crystal_ligands.sdf.gz"):
        smiles = record.GetProp("smiles")
        assign_stereo(record)
        assert Chem.MolToSmiles(Chem.RemoveHs(record)) == smiles
        assert "." not in smiles


def test_shipped_ligands_are_small_to_download():
    file = DATA / "crystal_ligands.sdf.gz"
    assert file.stat().st_size < 400_000
    assert gzip.decompress(file.read_bytes()).count(b"$$$$") == 300


@pytest.mark.parametrize("name", ["ensembles_train.sdf.gz", "ensembles_val.sdf.gz", "relaxed_train.sdf.gz"])
def test_no_shipped_training_molecule_is_among_them(name):
    barred = set((DATA / "crystal_inchikey14.txt").read_text().split())
    smiles = {
        Chem.MolToSmiles(Chem.RemoveHs(mol)) for mol in read_sdf(DATA / name) if mol.GetNumHeavyAtoms() > 9
    }
    keys = {Chem.MolToInchiKey(Chem.MolFromSmiles(one)).split("-")[0] for one in smiles}
    assert not keys & barred


def test_crystals_of_the_demo_are_shipped_ligands_and_so_no_training_data():
    mols = list(Chem.SDMolSupplier(str(DATA / "demo_crystals.sdf")))
    kept = set((DATA / "crystal_inchikey14.txt").read_text().split())
    assert len(mols) == 6
    assert {Chem.MolToInchiKey(mol)[:14] for mol in mols} <= kept
