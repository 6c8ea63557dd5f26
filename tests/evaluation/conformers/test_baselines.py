import numpy as np
import pytest
from rdkit import Chem

from molediff.evaluation.conformers.baselines import etkdg, etkdg_mmff
from molediff.evaluation.conformers.metrics.mmff_strain import mmff_strain
from molediff.evaluation.conformers.metrics.stereo import stereo_matches


@pytest.mark.parametrize("method", [etkdg, etkdg_mmff])
def test_conformers_of_the_right_stereo_and_reproducible(embed, method):
    mol = embed("C[C@H](O)/C=C/C")
    before = mol.GetConformer().GetPositions().copy()
    first, again, other = method(mol, 3, 5), method(mol, 3, 5), method(mol, 3, 6)
    assert first.GetNumConformers() == 3
    assert stereo_matches(first).all()
    positions = [m.GetConformer().GetPositions() for m in (first, again, other)]
    np.testing.assert_array_equal(positions[0], positions[1])
    assert np.abs(positions[0] - positions[2]).max() > 0.01
    np.testing.assert_array_equal(mol.GetConformer().GetPositions(), before)


def test_relaxation_reaches_a_minimum(embed):
    mol = embed("CCCO")
    assert mmff_strain(etkdg(mol, 2, 1)).min() > 1
    assert mmff_strain(etkdg_mmff(mol, 2, 1)) == pytest.approx([0, 0], abs=0.01)


@pytest.mark.parametrize("method", [etkdg, etkdg_mmff])
def test_what_cannot_be_embedded_is_none(method):
    trans_bicyclopentane = Chem.AddHs(Chem.MolFromSmiles("C1C[C@H]2[C@H]1C2"))
    assert method(trans_bicyclopentane, 1, 1) is None


def test_seed_zero_is_refused(embed):
    with pytest.raises(ValueError, match="at least 1"):
        etkdg(embed("CC"), 1, 0)
