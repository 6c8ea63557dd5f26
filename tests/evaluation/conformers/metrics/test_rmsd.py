import numpy as np
import pytest
from e3nn import o3
from rdkit import Chem
from spyrmsd.rmsd import symmrmsd

from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix

LINE = [[0.0, 0, 0], [1.5, 0, 0], [3.0, 0, 0]]


def test_known_stretch(place):
    """A line of three carbons stretched at both ends by 0.3 A: sqrt((0.3^2 + 0 + 0.3^2) / 3)."""
    reference = place("CCC", LINE)
    sample = place("CCC", [[-0.3, 0, 0], [1.5, 0, 0], [3.3, 0, 0]])
    assert rmsd_matrix(reference, sample)[0, 0] == pytest.approx(0.3 * np.sqrt(2 / 3), abs=1e-6)


def test_rows_are_references_and_columns_samples(place):
    reference = place("CCC", [LINE, np.multiply(LINE, 1.1)])
    sample = place("CCC", [np.multiply(LINE, 1.1), LINE, np.multiply(LINE, 1.2)])
    rmsd = rmsd_matrix(reference, sample)
    step = 0.15 * np.sqrt(2 / 3)
    np.testing.assert_allclose(rmsd, [[step, 0, 2 * step], [0, step, step]], atol=1e-5)


def test_rotation_translation_and_renumbering_do_not_count(embed):
    mol = embed("CC(C)(C)C(=O)O")
    moved = Chem.Mol(mol)
    rotation = o3.rand_matrix().double().numpy()
    moved.GetConformer().SetPositions(mol.GetConformer().GetPositions() @ rotation.T + 5.0)
    moved = Chem.RenumberAtoms(moved, list(reversed(range(moved.GetNumAtoms()))))
    assert rmsd_matrix(mol, moved)[0, 0] < 1e-4


def test_swapping_equivalent_atoms_does_not_count(place):
    bent = [[0.0, 0, 0], [1.5, 0, 0], [2.2, 1.6, 0]]
    reference, swapped = place("CCC", bent), place("CCC", bent[::-1])
    assert rmsd_matrix(reference, swapped)[0, 0] < 1e-5


def test_ends_of_a_carboxylate_are_equal(place):
    positions = [[-1.5, 0, 0], [0, 0, 0], [0.6, 1.0, 0], [0.6, -1.1, 0]]
    reference = place("CC(=O)[O-]", positions)
    swapped = place("CC(=O)[O-]", [positions[i] for i in (0, 1, 3, 2)])
    assert rmsd_matrix(reference, swapped)[0, 0] < 1e-5


def test_mirror_image_is_not_a_match(embed):
    mol = embed("C[C@H](O)C(N)=O")
    mirror = Chem.Mol(mol)
    mirror.GetConformer().SetPositions(mol.GetConformer().GetPositions() * [1.0, 1.0, -1.0])
    assert rmsd_matrix(mol, mirror)[0, 0] > 0.2


def test_hydrogens_do_not_count(embed):
    mol = embed("CO")
    turned = Chem.Mol(mol)
    positions = mol.GetConformer().GetPositions()
    positions[2:] += 3.0
    turned.GetConformer().SetPositions(positions)
    assert rmsd_matrix(mol, turned)[0, 0] < 1e-5


def test_one_heavy_atom_has_no_distance(embed):
    assert rmsd_matrix(embed("C"), embed("C", seed=8))[0, 0] == 0.0


def test_without_samples_the_matrix_is_empty(embed):
    mol = embed("CCO")
    failed = Chem.Mol(mol)
    failed.RemoveAllConformers()
    assert rmsd_matrix(mol, failed).shape == (1, 0)


def test_agrees_with_spyrmsd(embed):
    mol = embed("CC(C)(C)CC(N)=O", num_conformers=4)
    heavy = Chem.RemoveHs(mol)
    numbers = np.array([atom.GetAtomicNum() for atom in heavy.GetAtoms()])
    adjacency = Chem.GetAdjacencyMatrix(heavy)
    positions = [conformer.GetPositions() for conformer in heavy.GetConformers()]
    independent = [
        [
            symmrmsd(a, b, numbers, numbers, adjacency, adjacency, center=True, minimize=True)
            for b in positions
        ]
        for a in positions
    ]
    np.testing.assert_allclose(rmsd_matrix(mol, mol), independent, atol=1e-4)


def test_another_molecule_is_refused(embed):
    with pytest.raises(ValueError, match="conformers of one molecule"):
        rmsd_matrix(embed("CCO"), embed("CCN"))
