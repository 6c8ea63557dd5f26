"""Strain in AIMNet2: none at a minimum, what a stretched bond costs, and NaN where the network knows nothing."""

from importlib.util import find_spec

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem

from molediff.evaluation.conformers.metrics.aimnet2_strain import aimnet2_strain
from molediff.molecules.energies import aimnet2

needs_aimnet2 = pytest.mark.skipif(
    find_spec("Auto3D") is None, reason="needs AIMNet2: pip install 'molediff[aimnet2]'"
)


@needs_aimnet2
def test_a_minimum_has_none_and_a_stretched_bond_what_it_costs():
    mol = embedded("CO")
    aimnet2.relax(mol)
    stretched = Chem.Conformer(mol.GetConformer())
    x = stretched.GetPositions()
    x[0] += 0.1 * (x[0] - x[1]) / np.linalg.norm(x[0] - x[1])
    stretched.SetPositions(x)
    mol.AddConformer(stretched, assignId=True)
    before = [conformer.GetPositions() for conformer in mol.GetConformers()]
    strain = aimnet2_strain(mol)
    assert strain[0] == pytest.approx(0, abs=0.02)
    energies = aimnet2.energies(mol)
    assert strain[1] == pytest.approx(energies[1] - energies[0], abs=0.05)
    assert strain[1] > 1
    assert aimnet2_strain(mol, max_conformers=1) == pytest.approx(strain[:1], abs=0.02)
    for conformer, x in zip(mol.GetConformers(), before, strict=True):
        np.testing.assert_array_equal(conformer.GetPositions(), x)


def test_a_molecule_that_it_does_not_know_has_no_figure():
    mol = Chem.AddHs(Chem.MolFromSmiles("C[Ge](C)(C)C"))
    for _ in range(2):
        mol.AddConformer(Chem.Conformer(mol.GetNumAtoms()), assignId=True)
    assert np.isnan(aimnet2_strain(mol)).tolist() == [True, True]
