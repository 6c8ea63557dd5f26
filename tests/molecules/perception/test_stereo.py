import hypothesis.strategies as st
import numpy as np
import pytest
from fake_generators import embedded
from hypothesis import assume, given, settings
from rdkit import Chem
from rdkit.Chem import rdDistGeom
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

from molediff.molecules.conformers import with_conformers
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.perception.stereo import StereoCheck, perceived_smiles

MIRROR = np.array([-1.0, 1.0, 1.0])
WITH_STEREO = [
    "C[C@H](O)C(N)=O",
    "C[C@@H](F)[C@H](O)C=O",
    "C[C@@]1(F)CO1",
    "F/C=C/C",
    "F/C=C\\C",
    "C/C=C/[C@@H](O)C",
    "C[C@H]1CC[C@@H](C)CC1",
    "C[C@H]1CC[C@H](C)CC1",
    "O[C@H]1C[C@@H](F)C1",
    "C/N=C/C",
    "[2H][C@@H](C)O",
    "C[C@@H]1N[C@H]1F",
    "C[N@@]1C[C@@H]1C",
    "O[C@H]1[C@H]2CC[C@@H]1C2",
    "F/C=C/[C@H](O)/C=C\\F",
]


def checked(smiles):
    prepared = prepare(smiles)
    x = embedded(smiles).GetConformer().GetPositions()[None]
    return StereoCheck(prepared.mol, prepared.graph), x


@pytest.mark.parametrize("smiles", WITH_STEREO)
def test_right_coordinates_pass_untouched(smiles):
    check, x = checked(smiles)
    assert check.asks_for_something
    verdict = check.correct(x)
    assert verdict.right.all()
    assert not verdict.reflected.any()
    assert (verdict.x == x).all()


@pytest.mark.parametrize("smiles", [s for s in WITH_STEREO if "@" in s])
def test_mirror_image_is_reflected_back(smiles):
    check, x = checked(smiles)
    verdict = check.correct(x * MIRROR)
    assert verdict.reflected.all()
    assert verdict.right.all()
    distances = [np.linalg.norm(y[:, :, None] - y[:, None], axis=-1) for y in (x, verdict.x)]
    np.testing.assert_allclose(*distances, atol=1e-12)


def test_diastereomers_are_wrong_and_not_reflected():
    check, _ = checked("C[C@@H](F)[C@H](O)C=O")
    for smiles, right, reflected in [
        ("C[C@@H](F)[C@H](O)C=O", True, False),
        ("C[C@H](F)[C@@H](O)C=O", True, True),
        ("C[C@@H](F)[C@@H](O)C=O", False, False),
        ("C[C@H](F)[C@H](O)C=O", False, False),
    ]:
        verdict = check.correct(embedded(smiles).GetConformer().GetPositions()[None])
        assert (bool(verdict.right[0]), bool(verdict.reflected[0])) == (right, reflected)


def test_wrong_double_bond_is_never_mended_by_reflection():
    check, _ = checked("F/C=C/[C@H](O)C")
    for smiles in ("F/C=C\\[C@H](O)C", "F/C=C\\[C@@H](O)C"):
        verdict = check.correct(embedded(smiles).GetConformer().GetPositions()[None])
        assert not verdict.right.any()
        assert not verdict.reflected.any()


def test_cis_and_trans_in_a_ring_are_told_apart():
    cis, x_cis = checked("C[C@H]1CC[C@@H](C)CC1")
    trans, x_trans = checked("C[C@H]1CC[C@H](C)CC1")
    assert not cis.correct(x_trans).right.any()
    assert not trans.correct(x_cis).right.any()


def test_flat_centre_and_collapsed_molecule_are_wrong():
    check, x = checked("C[C@H](O)C(N)=O")
    assert not check.correct(x * np.array([1.0, 1.0, 0.0])).right.any()
    assert not check.correct(np.zeros_like(x)).right.any()
    check, x = checked("F/C=C/C")
    assert not check.correct(np.zeros_like(x)).right.any()


def test_open_stereo_is_left_open():
    check, x = checked("CC(O)C(N)=O")
    assert not check.asks_for_something
    verdict = check.correct(np.concatenate([x, x * MIRROR]))
    assert verdict.right.all()
    mol = with_conformers(embedded("CC(O)C(N)=O"), verdict.x)
    assert sorted(perceived_smiles(mol)) == ["C[C@@H](O)C(N)=O", "C[C@H](O)C(N)=O"]


def test_open_centre_beside_a_specified_one_is_free():
    """The specified centre counts even where the open one makes it lose its stereo (a meso form)."""
    check, _ = checked("C[C@H](O)C(O)(F)C(O)C")
    hands = set()
    for isomer in EnumerateStereoisomers(Chem.MolFromSmiles("CC(O)C(O)(F)C(O)C")):
        smiles = Chem.MolToSmiles(isomer, canonical=False)
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        assert [a.GetSymbol() for a in mol.GetAtoms()] == [a.GetSymbol() for a in check._blank.GetAtoms()]
        verdict = check.correct(embedded(smiles).GetConformer().GetPositions()[None])
        hands.add((bool(verdict.right[0]), bool(verdict.reflected[0])))
    assert hands == {(True, False), (True, True)}


@given(st.sampled_from(WITH_STEREO), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_verdict_does_not_depend_on_place_orientation_or_batch(smiles, seed):
    check, x = checked(smiles)
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    moved = x @ rotation.T + 3 * rng.normal(size=3) + 0.02 * rng.normal(size=x.shape)
    many = check.correct(np.concatenate([x, moved * MIRROR, moved]))
    assert many.right.all()
    has_centre = len(check.centres) > 0
    assert many.reflected.tolist() == [False, has_centre, False]


@given(
    st.sampled_from(
        ["CC(O)C(F)C=O", "FC=CC(O)C=CF", "CC1CC1(F)O", "CC1CCC(C)CC1", "OC1CC(F)C1", "CC(F)C=NO"]
    ),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_verdict_agrees_with_the_canonical_smiles_of_the_coordinates(flat, data):
    isomers = list(
        EnumerateStereoisomers(
            Chem.MolFromSmiles(flat), options=StereoEnumerationOptions(tryEmbedding=True, unique=True)
        )
    )
    asked, made = data.draw(st.sampled_from(isomers)), data.draw(st.sampled_from(isomers))
    asked_mol = Chem.AddHs(asked)
    prepared = prepare(asked_mol)
    made_mol = Chem.AddHs(made)
    assume(rdDistGeom.EmbedMolecule(made_mol, randomSeed=3) == 0)
    verdict = StereoCheck(prepared.mol, prepared.graph).correct(made_mol.GetConformer().GetPositions()[None])
    if verdict.right[0]:
        (seen,) = perceived_smiles(with_conformers(prepared.mol, verdict.x))
        assert seen == Chem.CanonSmiles(Chem.MolToSmiles(asked))
    elif Chem.MolToSmiles(asked) == Chem.MolToSmiles(made):
        pytest.fail("the isomer asked for was rejected")
