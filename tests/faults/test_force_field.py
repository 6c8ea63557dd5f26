"""A force field that does not describe a molecule leaves its conformers alone and says so."""

import numpy as np
import pytest
from fake_generators import embedded, options

from molediff.molecules.generation.refine import refine

HETEROCUMULENES = ["CS(=O)(=O)N=C=O", "CC(C)N=C=NC(C)C", "c1ccccc1N=C=S", "CN=C=O", "CN=C=C"]


@pytest.mark.parametrize("smiles", ["O=C=O", "CN=C=S", "C#[N+][O-]", *HETEROCUMULENES])
def test_relaxation_that_does_not_apply_keeps_the_conformers(smiles):
    mol = embedded(smiles)
    before = mol.GetConformer().GetPositions().copy()
    found = refine(mol, options(relax="mmff"), lambda x: np.ones(len(x), dtype=bool))
    assert len(found.rows) == 1
    np.testing.assert_array_equal(found.mol.GetConformer().GetPositions(), before)
    assert any(
        "force field not applicable" in problem and "not relaxed" in problem for problem in found.problems
    )


@pytest.mark.parametrize("relaxed_well", [False, True])
def test_a_force_field_whose_minima_are_not_the_molecule_is_not_applied(relaxed_well):
    """Of nitrosamines MMFF94s has all parameters, and makes them pyramids."""
    mol = embedded("CN(C)N=O")
    start = mol.GetConformer().GetPositions() + 0.1 * np.sin(np.arange(33.0)).reshape(11, 3)
    mol.GetConformer().SetPositions(start)
    before = mol.GetConformer().GetPositions().copy()
    found = refine(
        mol, options(relax="mmff", energies="mmff"), lambda x: np.full(len(x), relaxed_well, dtype=bool)
    )
    assert len(found.rows) == 1
    assert found.num_relaxation_rejected == 0
    moved = np.abs(found.mol.GetConformer().GetPositions() - before).max()
    if relaxed_well:
        assert (moved > 0.01, found.problems) == (True, [])
    else:
        assert moved == 0
        assert "force field not applicable" in found.problems[0]
        assert "not relaxed" in found.problems[0]


@pytest.mark.parametrize("smiles", HETEROCUMULENES)
def test_what_is_bent_as_an_imine_is_not_weighed_either(smiles):
    mol = embedded(smiles)
    found = refine(mol, options(relax="mmff", energies="mmff"), lambda x: np.ones(len(x), dtype=bool))
    assert found.energies is None
    assert "not relaxed, nor given energies" in found.problems[0]


@pytest.mark.parametrize("smiles", ["C[Si](C)(C)N=C=O", "CN=[N+]=[N-]", "CC=C=C"])
def test_cumulenes_of_which_it_has_parameters_are_relaxed(smiles):
    found = refine(embedded(smiles), options(relax="mmff"), lambda x: np.ones(len(x), dtype=bool))
    assert found.problems == []


def test_where_some_minima_are_the_molecule_the_others_are_left_out():
    mol = embedded("CCO")
    mol.AddConformer(mol.GetConformer(), assignId=True)
    found = refine(mol, options(relax="mmff"), lambda x: np.arange(len(x)) == 0)
    assert (len(found.rows), found.num_relaxation_rejected, found.problems) == (1, 1, [])
