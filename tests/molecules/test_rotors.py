"""Rotatable bonds, their torsions and turning them."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolTransforms

from molediff.molecules.rotors import BETWEEN_HEAVY, METHYL, POLAR, Rotors
from molediff.molecules.torsion_prior import Clashes

SMILES = ["CC(F)C(=O)Nc1ccc(OCC)cc1", "C[Si](C)(C)OCC#N", "OCC(O)C(Cl)CBr"]


def embedded(smiles: str, num: int = 3) -> tuple[Chem.Mol, np.ndarray]:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=1)
    return mol, np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])


def wrapped(degrees: np.ndarray) -> np.ndarray:
    return (degrees + 180) % 360 - 180


@pytest.mark.parametrize("smiles", SMILES)
def test_torsions_are_those_of_rdkit(smiles: str):
    mol, x = embedded(smiles)
    rotors = Rotors.of(mol)
    expected = [
        [rdMolTransforms.GetDihedralDeg(conformer, *map(int, four)) for four in rotors.torsions]
        for conformer in mol.GetConformers()
    ]
    np.testing.assert_allclose(wrapped(rotors.angles(x) - expected), 0, atol=1e-8)


@pytest.mark.parametrize("smiles", SMILES)
def test_a_turn_raises_each_torsion_by_its_angle_and_leaves_distances_of_rigid_parts(smiles: str):
    mol, x = embedded(smiles)
    rotors = Rotors.of(mol)
    turns = np.random.default_rng(0).uniform(-180, 180, (len(x), len(rotors)))
    turned = rotors.turn(x, turns)
    np.testing.assert_allclose(wrapped(rotors.angles(turned) - rotors.angles(x) - turns), 0, atol=1e-8)
    near = Chem.GetDistanceMatrix(mol) <= 2
    for before, after in zip(x, turned, strict=True):
        distances = [np.linalg.norm(y[:, None] - y, axis=-1)[near] for y in (before, after)]
        np.testing.assert_allclose(*distances, atol=1e-8)


def test_kinds_tell_what_turns():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCC(=O)NCO"))
    kinds = {frozenset(bond.tolist()): kind for bond, kind in zip(*_bonds(mol), strict=True)}
    assert kinds == {
        frozenset({0, 1}): METHYL,
        frozenset({1, 2}): BETWEEN_HEAVY,
        frozenset({2, 4}): BETWEEN_HEAVY,
        frozenset({4, 5}): BETWEEN_HEAVY,
        frozenset({5, 6}): POLAR,
    }


def _bonds(mol: Chem.Mol) -> tuple[np.ndarray, list[int]]:
    rotors = Rotors.of(mol)
    return rotors.bonds, rotors.kind.tolist()


def test_the_smaller_side_turns_and_ends_are_the_heaviest_neighbours():
    mol = Chem.AddHs(Chem.MolFromSmiles("ClC(F)C(Br)c1ccccc1"))
    rotors = Rotors.of(mol)
    assert (2 * rotors.turned.sum(1) <= mol.GetNumAtoms()).all()
    four = next(four for four in rotors.torsions.tolist() if set(four[1:3]) == {1, 3})
    assert {four[0], four[3]} == {0, 4}


def test_bonds_of_rings_double_bonds_and_linear_groups_do_not_turn():
    for smiles in ("C1CCCCC1", "FC=CF", "CC#CC", "C=C=C"):
        assert len(Rotors.of(Chem.AddHs(Chem.MolFromSmiles(smiles)))) == 0


def test_hands_are_those_of_the_ends_and_change_in_the_mirror():
    mol, x = embedded("CC[C@H](F)[C@@H](Cl)CO")
    rotors = Rotors.of(mol)
    hands = rotors.hands(x)
    np.testing.assert_array_equal(hands, np.broadcast_to(hands[0], hands.shape))
    np.testing.assert_array_equal(rotors.hands(-x), -hands)
    place = next(row for row, bond in enumerate(rotors.bonds.tolist()) if set(bond) == {2, 4})
    assert (np.abs(hands[:, place]) == 1).all()
    assert set(rotors.seconds[place].tolist()) == {1, 6}
    turned = rotors.turn(x, np.random.default_rng(1).uniform(-180, 180, (len(x), len(rotors))))
    np.testing.assert_array_equal(rotors.hands(turned), hands)


def test_flat_ends_and_those_with_hydrogens_alone_have_no_hand():
    mol, x = embedded("CCC(=O)NC")
    rotors = Rotors.of(mol)
    assert (rotors.hands(x) == 0).all()


def test_clashes_are_what_is_missing_to_van_der_waals_distances():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCOCCBr"))
    x = np.random.default_rng(1).normal(scale=1.5, size=(40, mol.GetNumAtoms(), 3))
    table = Chem.GetPeriodicTable()
    radii = np.array([table.GetRvdw(atom.GetAtomicNum()) for atom in mol.GetAtoms()])
    lacking = 0.75 * (radii[:, None] + radii) - np.linalg.norm(x[:, :, None] - x[:, None], axis=-1)
    counted = np.triu(Chem.GetDistanceMatrix(mol) >= 4)
    expected = (np.maximum(lacking, 0) ** 2)[:, counted].sum(-1)
    np.testing.assert_allclose(Clashes(mol).penalty(x), expected, rtol=1e-4)
    assert len(Clashes(mol).penalty(x[:0])) == 0
