import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.evaluation.conformers.metrics.stereo import stereo_matches


def with_coordinates_of(asked: str, shown: Chem.Mol) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(asked))
    for conformer in shown.GetConformers():
        mol.AddConformer(conformer, assignId=True)
    return mol


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("C[C@H](O)F", "C[C@@H](O)F"),
        ("C/C=C/C#N", "C/C=C\\C#N"),
        ("C[C@H]1CC[C@@H](O)CC1", "C[C@H]1CC[C@H](O)CC1"),
    ],
)
def test_right_and_wrong_isomer(embed, right, wrong):
    assert stereo_matches(embed(right)).tolist() == [True]
    assert stereo_matches(with_coordinates_of(right, embed(wrong))).tolist() == [False]


def test_each_conformer_is_judged_by_itself(embed):
    mol = embed("C[C@H](O)F", num_conformers=3)
    conformer = mol.GetConformer(1)
    conformer.SetPositions(conformer.GetPositions() * [-1.0, 1.0, 1.0])
    assert stereo_matches(mol).tolist() == [True, False, True]


def test_what_was_left_open_does_not_matter(embed):
    for isomer in ("C[C@H](O)F", "C[C@@H](O)F"):
        assert stereo_matches(with_coordinates_of("CC(O)F", embed(isomer))).all()


def test_meso_form_may_change_its_ends(embed):
    meso = embed("C[C@H](O)[C@@H](C)O")
    mirror = Chem.Mol(meso)
    mirror.GetConformer().SetPositions(meso.GetConformer().GetPositions() * [-1.0, 1.0, 1.0])
    assert stereo_matches(mirror).all()


@pytest.mark.parametrize("height", [0.4, -0.4])
def test_centre_that_dips_through_its_neighbours_keeps_its_hand(place, height):
    """The four neighbours of a carbon stay where they are while it passes through the plane of three of them."""
    neighbours = [[0.0, 0, 1.4], [1.4, 0, -0.1], [-0.7, 1.2, -0.1], [-0.7, -1.2, -0.1]]
    mol = place("[C@](F)(N)(O)C", [[0, 0, -0.1 + height], *neighbours])
    mirrored = place("[C@@](F)(N)(O)C", [[0, 0, -0.1 + height], *neighbours])
    assert sorted([stereo_matches(mol)[0], stereo_matches(mirrored)[0]]) == [False, True]
    right = mol if stereo_matches(place("[C@](F)(N)(O)C", [[0, 0, 0.0], *neighbours]))[0] else mirrored
    assert stereo_matches(right).all()


def test_the_molecule_is_not_changed(embed):
    mol = embed("C[C@H](O)F")
    mol.GetConformer().SetPositions(mol.GetConformer().GetPositions() * [-1.0, 1.0, 1.0])
    before = Chem.MolToSmiles(mol)
    stereo_matches(mol)
    assert Chem.MolToSmiles(mol) == before
    assert mol.GetNumConformers() == 1


@pytest.mark.parametrize("smiles", ["CC=CCC=NO", "C/C=C/C=CC", "C[C@H](F)C=CC"])
def test_double_bonds_that_were_left_open_do_not_matter(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, 12, randomSeed=3)
    assert stereo_matches(mol).all()


def test_marks_of_a_bridgehead_nitrogen_are_not_asked_of_coordinates(embed):
    quinuclidine = "CC[C@H]1C[N@]2CC[C@H]1C[C@@H]2CF"
    assert stereo_matches(embed(quinuclidine)).tolist() == [True]
    mirrored = embed(quinuclidine)
    conformer = mirrored.GetConformer()
    conformer.SetPositions(conformer.GetPositions() * [-1.0, 1.0, 1.0])
    assert stereo_matches(mirrored).tolist() == [False]
