import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from molediff.evaluation.conformers.metrics.mmff_strain import mmff_strain


def relaxed(mol: Chem.Mol) -> Chem.Mol:
    mol = Chem.Mol(mol)
    rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol, maxIters=5000, mmffVariant="MMFF94s")
    return mol


def test_a_minimum_has_no_strain(embed):
    assert mmff_strain(relaxed(embed("CCO", num_conformers=2))) == pytest.approx([0, 0], abs=1e-2)


def test_stretched_bond_costs_what_mmff_says(embed):
    """C#N of hydrogen cyanide stretched by 0.05 A: eq. 2 of Halgren 1996 (MMFF I), k as RDKit has it."""
    mol = relaxed(embed("C#N"))
    positions = mol.GetConformer().GetPositions()
    axis = (positions[1] - positions[0]) / np.linalg.norm(positions[1] - positions[0])
    positions[1] += 0.05 * axis
    mol.GetConformer().SetPositions(positions)
    parameters = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant="MMFF94s")
    _, k, rest = parameters.GetMMFFBondStretchParams(mol, 0, 1)
    stretch = np.linalg.norm(positions[1] - positions[0]) - rest
    expected = 143.9325 / 2 * k * stretch**2 * (1 - 2 * stretch + 7 / 12 * 4 * stretch**2)
    assert mmff_strain(mol) == pytest.approx([expected], rel=2e-2)


def test_each_conformer_by_itself_and_input_unchanged(embed):
    mol = relaxed(embed("CCCO", num_conformers=2))
    mol.GetConformer(1).SetPositions(mol.GetConformer(1).GetPositions() * 1.05)
    before = mol.GetConformer(1).GetPositions().copy()
    strain = mmff_strain(mol)
    assert strain[0] < 0.05
    assert strain[1] > 5
    np.testing.assert_array_equal(mol.GetConformer(1).GetPositions(), before)


def test_without_parameters_it_is_not_a_number(embed):
    assert np.isnan(mmff_strain(embed("C[BH2]", num_conformers=2))).tolist() == [True, True]
