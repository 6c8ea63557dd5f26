"""Hydrogens that are nearer to another atom than to the one that the bonds say."""

import numpy as np
from fake_generators import embedded

from molediff.molecules.perception.protons import MovedProton, moved_protons


def test_a_proton_that_went_over_is_found_and_no_hydrogen_bond():
    """Ethanolamine: the hydroxyl hydrogen is put 1.0 and 1.7 Angstrom from the nitrogen, on the line to the oxygen."""
    mol = embedded("OCCN")
    x = mol.GetConformer().GetPositions()
    oxygen, nitrogen, hydrogen = 0, 3, 4
    along = (x[oxygen] - x[nitrogen]) / np.linalg.norm(x[oxygen] - x[nitrogen])
    over, bound = x.copy(), x.copy()
    over[hydrogen] = x[nitrogen] + 1.0 * along
    bound[hydrogen] = x[nitrogen] + 1.7 * along
    found = moved_protons(mol, np.stack([x, over, bound, over]))
    assert found == {MovedProton(hydrogen, oxygen, nitrogen): 2}
    assert not moved_protons(mol, np.empty((0, mol.GetNumAtoms(), 3)))


def test_hydrogens_on_carbon_are_no_protons():
    mol = embedded("CC")
    assert not moved_protons(mol, 3 * mol.GetConformer().GetPositions()[None])
