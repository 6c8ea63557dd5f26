import gzip

import pytest
from places import DATA
from rdkit import Chem

from molediff.evaluation.conformers.metrics.stereo import stereo_matches
from molediff.evaluation.conformers.references import read_references


def write(path, *molecules):
    blocks = [
        Chem.MolToMolBlock(mol, confId=conformer.GetId()) + "$$$$\n"
        for mol in molecules
        for conformer in mol.GetConformers()
    ]
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt") as file:
        file.write("".join(blocks))
    return path


@pytest.mark.parametrize("name", ["ensembles.sdf", "ensembles.sdf.gz"])
def test_records_that_follow_each_other_are_one_molecule(tmp_path, embed, name):
    path = write(tmp_path / name, embed("CCO", 3), embed("CCN", 2))
    assert [mol.GetNumConformers() for mol in read_references(path)] == [3, 2]


def test_isomers_are_two_molecules_with_stereo_from_coordinates(tmp_path, embed):
    path = write(tmp_path / "isomers.sdf", embed("C[C@H](O)F"), embed("C[C@@H](O)F"))
    smiles = [Chem.MolToSmiles(Chem.RemoveHs(mol)) for mol in read_references(path)]
    assert smiles == ["C[C@H](O)F", "C[C@@H](O)F"]


def test_missing_hydrogens_and_flat_or_broken_records_are_named(tmp_path, embed):
    bare = Chem.RemoveHs(embed("CCO"))
    with pytest.raises(ValueError, match=r"record 2 of .*hydrogens"):
        read_references(write(tmp_path / "bare.sdf", embed("CCO"), bare))
    (tmp_path / "empty.sdf").write_text("")
    with pytest.raises(ValueError, match="holds no molecule"):
        read_references(tmp_path / "empty.sdf")
    with pytest.raises(FileNotFoundError):
        read_references(tmp_path / "missing.sdf")


def test_the_shipped_ensembles_are_the_molecules_that_their_records_say():
    """Also in the two cages where a carbon stands outside of its neighbours' tetrahedron."""
    path = DATA / "ensembles_test.sdf.gz"
    mols = read_references(path)
    assert (len(mols), sum(mol.GetNumConformers() for mol in mols)) == (200, 2646)
    with gzip.open(path) as file:
        asked = dict.fromkeys(
            mol.GetProp("SMILES") for mol in Chem.ForwardSDMolSupplier(file, removeHs=False)
        )
    assert [Chem.CanonSmiles(Chem.MolToSmiles(Chem.RemoveHs(mol))) for mol in mols] == [
        Chem.CanonSmiles(smiles) for smiles in asked
    ]
    assert all(stereo_matches(mol).all() for mol in mols)
