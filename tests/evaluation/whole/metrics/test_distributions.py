"""Distances of distributions on molecules whose geometry is known."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolTransforms

from molediff.evaluation.whole.metrics.distributions import distance, geometry_of, type_distance


def ethanol():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    return mol


def test_a_set_is_at_distance_zero_from_itself():
    geometry = geometry_of([ethanol()])
    for values in (geometry.lengths, geometry.angles):
        assert distance(values, values) == type_distance(values, values) == 0


def test_one_bond_made_longer_moves_its_type_by_as_much():
    mol, longer = ethanol(), ethanol()
    conformer = longer.GetConformer()
    length = rdMolTransforms.GetBondLength(conformer, 1, 2)
    rdMolTransforms.SetBondLength(conformer, 1, 2, length + 0.1)
    before, after = geometry_of([mol]).lengths, geometry_of([longer]).lengths
    np.testing.assert_allclose(after["C-O"] - before["C-O"], [0.1], atol=1e-6)
    assert distance(after, before) == pytest.approx(0.1 / mol.GetNumBonds(), abs=1e-6)


def test_types_that_are_missing_show_in_their_shares_not_in_the_distance():
    values, reference = {"C-C": np.array([1.5])}, {"C-C": np.array([1.5]), "C-O": np.array([1.4])}
    assert distance(values, reference) == 0
    assert type_distance(values, reference) == 0.5


def test_angles_and_dihedrals_are_measured_in_degrees():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCO"))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    conformer = mol.GetConformer()
    rdMolTransforms.SetAngleDeg(conformer, 1, 2, 3, 105.0)
    rdMolTransforms.SetDihedralDeg(conformer, 0, 1, 2, 3, -62.0)
    geometry = geometry_of([mol])
    assert (
        pytest.approx(geometry.angles["C4"][np.abs(geometry.angles["C4"] - 105).argmin()], abs=1e-4) == 105.0
    )
    np.testing.assert_allclose(geometry.dihedrals["C4-C4"], [62.0], atol=1e-4)
