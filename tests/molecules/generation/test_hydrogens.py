"""Hydrogens with bonds of an impossible length are put right, and nothing else is touched."""

import numpy as np
import pytest
from fake_generators import embedded

from molediff import ConformerGenerator
from molediff.molecules.generation.checks import BondLengths, standard_checks
from molediff.molecules.generation.hydrogens import USUAL_LENGTHS, HydrogenLengths


def stretched(smiles, atom, carrier, factor):
    """A minimum of MMFF94s, (1, N, 3), in which the bond from `carrier` to `atom` has `factor` of its length."""
    mol = embedded(smiles)
    x = mol.GetConformer().GetPositions()[None]
    x[0, atom] = x[0, carrier] + factor * (x[0, atom] - x[0, carrier])
    return mol, x


@pytest.mark.parametrize("factor", [0.85, 1.25])
def test_a_hydrogen_goes_to_the_usual_length_along_its_bond(factor):
    mol, x = stretched("CO", 5, 1, factor)
    lengths = BondLengths(mol)
    assert not lengths.passes(x)[0]
    moved, mended = HydrogenLengths(mol, lengths).mended(x)
    assert mended.tolist() == [True]
    bond, before = moved[0, 5] - moved[0, 1], x[0, 5] - x[0, 1]
    carrier = mol.GetAtomWithIdx(1)
    usual = USUAL_LENGTHS[carrier.GetAtomicNum(), carrier.GetHybridization()]
    np.testing.assert_allclose(np.linalg.norm(bond), usual)
    np.testing.assert_allclose(np.cross(bond, before), 0, atol=1e-12)
    np.testing.assert_array_equal(np.delete(moved, 5, axis=1), np.delete(x, 5, axis=1))
    assert all(check.passes(moved)[0] for check in standard_checks(mol))


def test_what_is_possible_stays_as_it_is():
    mol, x = stretched("CO", 5, 1, 1.03)
    moved, mended = HydrogenLengths(mol, BondLengths(mol)).mended(x)
    assert moved is x
    assert not mended.any()


@pytest.mark.parametrize("factor", [0.3, 2.5])
def test_a_hydrogen_that_is_far_off_is_left_to_the_checks(factor):
    mol, x = stretched("CO", 5, 1, factor)
    moved, mended = HydrogenLengths(mol, BondLengths(mol)).mended(x)
    assert not mended.any()
    assert not BondLengths(mol).passes(moved)[0]


def test_bonds_between_heavy_atoms_are_not_mended():
    mol, x = stretched("CO", 1, 0, 1.3)
    moved, _ = HydrogenLengths(mol, BondLengths(mol)).mended(x)
    np.testing.assert_array_equal(moved[:, :2], x[:, :2])


def test_students_return_the_methanol_that_they_know_but_for_its_hydrogen():
    result = ConformerGenerator.from_pretrained("qm9_distilled", device="cpu").generate("CO", 5, seed=1)
    assert result.num_conformers == 5
    assert result.num_mended > 0


@pytest.mark.parametrize("smiles", ["CCBCC", "C[SiH2]C"])
def test_hydrogens_of_boron_and_silicon_are_mended_too(smiles):
    """Of every borane that the network makes B-H is 0.01 Angstrom too short for the table."""
    result = ConformerGenerator.from_pretrained("drugs", device="cpu").generate(smiles, 3, seed=1)
    assert (result.status, result.num_rejected) == ("ok", {})
