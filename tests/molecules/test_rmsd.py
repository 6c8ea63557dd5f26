"""The one RMSD of heavy atoms."""

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem
from scipy.spatial.transform import Rotation

from molediff.molecules.conformers import with_conformers
from molediff.molecules.rmsd import heavy_atom_rmsd


def two(mol: Chem.Mol, first: np.ndarray, second: np.ndarray) -> Chem.Mol:
    return Chem.RemoveHs(with_conformers(mol, [first, second]))


def test_a_turned_copy_with_equal_ends_exchanged_is_at_no_distance():
    mol = embedded("CC(=O)[O-]")
    x = mol.GetConformer().GetPositions()
    turned = x[[0, 1, 3, 2, 4, 5, 6]] @ Rotation.random(rng=1).as_matrix().T + 5
    heavy = two(mol, turned, x)
    assert heavy_atom_rmsd(heavy, heavy, 0, 1) == pytest.approx(0, abs=1e-6)


def test_a_dimer_stretched_by_a_known_length():
    mol = embedded("CO")
    x = mol.GetConformer().GetPositions()
    moved = x.copy()
    moved[0] += 1.0 * (x[0] - x[1]) / np.linalg.norm(x[0] - x[1])
    heavy = two(mol, moved, x)
    assert heavy_atom_rmsd(heavy, heavy, 0, 1) == pytest.approx(0.5)  # both ends half an Angstrom off


def test_a_mirror_image_is_another_geometry():
    mol = embedded("C[C@H](O)F")
    x = mol.GetConformer().GetPositions()
    heavy = two(mol, x * [1, 1, -1], x)
    assert heavy_atom_rmsd(heavy, heavy, 0, 1) > 0.2
