"""Conformers lie on each other where they can, whatever their orientation and the order of equal atoms."""

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem
from scipy.spatial.transform import Rotation

from molediff.molecules.conformers import with_conformers
from molediff.molecules.view.overlay import overlaid


def test_turned_copies_come_to_lie_on_the_first():
    mol = embedded("CC(N)C(=O)O")
    x = mol.GetConformer().GetPositions()
    turns = Rotation.random(3, random_state=1)
    mol = with_conformers(mol, [x, *(turn.apply(x) + [3, 1, -7] for turn in turns)])
    laid = overlaid(mol)
    np.testing.assert_allclose(laid, np.broadcast_to(laid[0], laid.shape), atol=1e-5)


def test_nothing_is_bent_or_mirrored():
    mol = embedded("C[C@H](O)F")
    x = mol.GetConformer().GetPositions()
    laid = overlaid(with_conformers(mol, [x, x * [1, 1, -1]]))
    for placed, given in zip(laid, (x, x * [1, 1, -1]), strict=True):
        volume = [np.linalg.det(points[[1, 2, 3]] - points[0]) for points in (placed, given)]
        assert volume[0] == pytest.approx(volume[1], abs=1e-6)
        distances = [np.linalg.norm(points[:, None] - points[None], axis=-1) for points in (placed, given)]
        np.testing.assert_allclose(*distances, atol=1e-6)


def test_the_first_lies_broadside():
    laid = overlaid(embedded("CCCCCCO"))
    extent = laid[0].std(axis=0)
    assert extent[0] > extent[1] > extent[2]


@pytest.mark.parametrize("smiles", ["[H][H]", "C", "[He]", "O"])
def test_molecules_of_one_heavy_atom_or_none_are_laid_on_too(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    x = np.random.default_rng(0).normal(size=(mol.GetNumAtoms(), 3))
    turn = Rotation.random(random_state=2)
    laid = overlaid(with_conformers(mol, [x, turn.apply(x)]))
    np.testing.assert_allclose(laid[0], laid[1], atol=1e-5)


def test_without_conformers_there_is_nothing():
    assert overlaid(Chem.AddHs(Chem.MolFromSmiles("CC"))).shape == (0, 8, 3)
