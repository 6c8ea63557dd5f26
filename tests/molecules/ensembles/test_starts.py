"""Starting geometries: every way gives another geometry of the same molecule."""

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from molediff.molecules.conformers import with_conformers
from molediff.molecules.ensembles.starts import (
    ETKDG,
    OWN,
    RING_FLIP,
    TORSIONS,
    flip_corner,
    make_starts,
    ring_corners,
    rotatable_bonds,
)
from molediff.molecules.perception.bonds import perceive


def test_seeds_are_of_all_kinds_and_begin_with_the_given_geometry():
    mol = embedded("OC[C@@H]1CCCO1")
    seeds = list(make_starts(mol, 20, seed=3))
    assert len(seeds) == 20
    np.testing.assert_array_equal(seeds[0].positions, mol.GetConformer().GetPositions())
    assert {seed.source for seed in seeds} == {OWN, ETKDG, TORSIONS, RING_FLIP}


def test_more_seeds_begin_with_the_fewer():
    mol = embedded("OCC=O")
    fewer, more = (list(make_starts(mol, num, seed=3)) for num in (6, 12))
    for one, other in zip(fewer, more, strict=False):
        np.testing.assert_array_equal(one.positions, other.positions)
    assert not np.array_equal(fewer[1].positions, next(iter(make_starts(mol, 2, seed=4))).positions)


def test_random_torsions_are_uniform_and_leave_bonds_alone():
    mol = embedded("CCO")
    (torsion,) = rotatable_bonds(mol)  # that of the hydroxyl group, not that of the methyl group
    turned = [seed.positions for seed in make_starts(mol, 200, seed=1) if seed.source == TORSIONS]
    filled = with_conformers(mol, turned)
    angles = [rdMolTransforms.GetDihedralDeg(conformer, *torsion) for conformer in filled.GetConformers()]
    counts = np.histogram(angles, np.linspace(-180, 180, 7))[0]
    assert counts.min() > 0.5 * len(angles) / 6
    lengths = [rdMolTransforms.GetBondLength(conformer, 1, 2) for conformer in filled.GetConformers()]
    assert 1.3 < min(lengths) <= max(lengths) < 1.5


@pytest.mark.parametrize(
    ("smiles", "expected"), [("CC", 0), ("CCCC", 1), ("CO", 0), ("OO", 1), ("C1CCCCC1", 0), ("CC(=O)NCCO", 4)]
)
def test_bonds_turn_if_that_changes_the_molecule(smiles, expected):
    assert len(rotatable_bonds(Chem.AddHs(Chem.MolFromSmiles(smiles)))) == expected


def test_only_saturated_corners_of_single_rings_flip():
    def corners(smiles):
        return {corner[0] for corner in ring_corners(Chem.AddHs(Chem.MolFromSmiles(smiles)))}

    assert corners("C1CCCCC1") == set(range(6))
    assert corners("C1CC1") == corners("c1ccccc1") == set()
    assert corners("C1CC2CC12") == {0, 1}  # not the cyclopropane's, nor those of two rings


def test_a_flip_puts_the_corner_below_the_ring_and_keeps_lengths_and_hands():
    mol = embedded("C[C@H]1CC[C@@H](O)CC1")
    x = mol.GetConformer().GetPositions()
    corner = next(corner for corner in ring_corners(mol) if corner[0] == 1)
    flipped = flip_corner(mol, x, corner)

    def height(positions):
        ring = positions[list(corner[1:])]
        normal = np.linalg.svd(ring - ring.mean(axis=0))[2][2]
        return (
            (positions[corner[0]] - ring.mean(axis=0)) @ normal / np.sign(normal @ np.array([1.0, 0.7, 0.3]))
        )

    assert height(x) * height(flipped) < 0
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        assert np.linalg.norm(flipped[i] - flipped[j]) == pytest.approx(np.linalg.norm(x[i] - x[j]), abs=1e-6)
    smiles = Chem.MolToSmiles(Chem.RemoveHs(mol))
    elements = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    assert perceive(smiles, elements, flipped).smiles == perceive(smiles, elements, x).smiles
