"""MMFF94 as a system of particles: RDKit's own energy and gradient, in units of kT."""

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from molediff.particles import MMFFEnergy


@pytest.fixture(scope="module", name="ethanol")
def _ethanol():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    return mol


@pytest.fixture(scope="module", name="positions")
def _positions(ethanol):
    shake = np.random.default_rng(0).normal(size=(3, 9, 3))
    return ethanol.GetConformer().GetPositions() + 0.05 * shake


def test_the_energy_is_rdkits_over_kt(ethanol):
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(ethanol)
    kcal = rdForceFieldHelpers.MMFFGetMoleculeForceField(ethanol, properties).CalcEnergy()
    x = ethanol.GetConformer().GetPositions()[None]
    at_300, at_600 = (MMFFEnergy(ethanol, temperature).energy(x)[0] for temperature in (300.0, 600.0))
    assert at_300 == pytest.approx(kcal / (0.001987204259 * 300), rel=1e-9)
    assert at_600 == pytest.approx(at_300 / 2)


def test_the_energy_does_not_depend_on_the_coordinates_that_came_with_the_molecule(ethanol, positions):
    bare = Chem.Mol(ethanol)
    bare.RemoveAllConformers()
    np.testing.assert_array_equal(MMFFEnergy(bare).energy(positions), MMFFEnergy(ethanol).energy(positions))


def test_forces_against_finite_differences(ethanol, positions):
    system = MMFFEnergy(ethanol)
    direction = np.random.default_rng(1).normal(size=positions.shape)
    step = 1e-6
    difference = system.energy(positions + step * direction) - system.energy(positions - step * direction)
    np.testing.assert_allclose(
        -(system.force(positions) * direction).sum((1, 2)), difference / (2 * step), rtol=1e-6
    )


def test_autograd_of_the_energy_is_the_force(ethanol, positions):
    system = MMFFEnergy(ethanol)
    x = torch.from_numpy(positions).requires_grad_(True)
    weights = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)
    (weights * system.energy(x)).sum().backward()
    torch.testing.assert_close(x.grad, -weights[:, None, None] * system.force(x))


def test_turning_and_moving_a_molecule_changes_nothing(ethanol, positions):
    system = MMFFEnergy(ethanol)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    np.testing.assert_allclose(system.energy(positions @ turn + 5.0), system.energy(positions), rtol=1e-9)


def test_atoms_in_one_place_have_infinite_energy(ethanol):
    assert MMFFEnergy(ethanol).energy(np.zeros((1, 9, 3)))[0] == np.inf


def test_an_energy_beyond_the_largest_number_is_infinite(ethanol, positions):
    far = positions[:1].copy()
    far[0, 0] = 1e160
    assert MMFFEnergy(ethanol).energy(far)[0] == np.inf


@pytest.mark.parametrize(
    ("smiles", "temperature", "message"),
    [("[Na][H]", 300.0, "no parameters"), ("[H][H]", 0.0, "positive"), ("CC", 300.0, "Chem.AddHs")],
)
def test_what_cannot_be_a_system_is_refused(smiles, temperature, message):
    mol = Chem.MolFromSmiles(smiles)
    with pytest.raises(ValueError, match=message):
        MMFFEnergy(Chem.AddHs(mol) if "H" in smiles else mol, temperature)
