"""Strain and way of a conformer that is pulled out of its minimum by a known amount."""

import numpy as np
import pytest
from rdkit.Chem import Mol

from molediff.evaluation.conformers.metrics.xtb_strain import xtb_relaxation
from molediff.molecules.energies.xtb import energy, relax

pytest.importorskip("tblite", reason="needs tblite: pip install 'molediff[xtb]'")


def test_strain_is_the_energy_above_the_minimum_and_the_way_is_to_it(embed):
    mol = embed("CO")
    lowest = relax(mol)
    stretched = Mol(mol)
    x = mol.GetConformer().GetPositions()
    bond = (x[1] - x[0]) / np.linalg.norm(x[1] - x[0])
    x[[1, 5]] += 0.08 * bond  # the oxygen and its hydrogen
    stretched.GetConformer().SetPositions(x)
    both = Mol(mol)
    both.AddConformer(stretched.GetConformer(), assignId=True)
    found = xtb_relaxation(both)
    assert found.strain == pytest.approx([0.0, energy(stretched) - lowest], abs=0.03)
    assert found.strain[1] > 1
    assert found.moved == pytest.approx([0.0, 0.04], abs=0.005)  # two heavy atoms, 0.08 A further apart


def test_only_the_first_conformers_are_looked_at(embed):
    assert xtb_relaxation(embed("C", 3), max_conformers=1).strain.shape == (1,)
