import sys

import numpy as np
import pytest
from fake_generators import embedded
from rdkit import Chem

from molediff.molecules.energies import xtb

pytest.importorskip("tblite")


def gradient(mol: Chem.Mol) -> np.ndarray:
    return xtb._Energy(mol)(mol.GetConformer().GetPositions())[1]


def test_energy_changes_as_the_gradient_says():
    mol = embedded("CO")
    x = mol.GetConformer().GetPositions()
    along, step = gradient(mol), 1e-3
    along = along / np.linalg.norm(along)

    def moved(distance: float) -> float:
        copy = Chem.Mol(mol)
        copy.GetConformer().SetPositions(x + distance * along)
        return xtb.energy(copy)

    slope = (moved(step) - moved(-step)) / (2 * step)
    assert slope == pytest.approx((gradient(mol) * along).sum(), rel=1e-4)


def test_relaxed_hydrogen_lies_at_the_bottom_of_its_curve():
    mol = embedded("[H][H]")
    lowest = xtb.relax(mol)
    length = np.linalg.norm(np.diff(mol.GetConformer().GetPositions(), axis=0))
    for other in (length - 0.02, length + 0.02):
        mol.GetConformer().SetPositions(np.array([[0.0, 0, 0], [0, 0, other]]))
        assert xtb.energy(mol) > lowest
    # 0.74 Angstrom in truth; the energy is that of two electrons, -0.98 Hartree in GFN2-xTB
    assert 0.70 < length < 0.80
    assert lowest == pytest.approx(-0.98 * xtb.KCAL_PER_MOL, rel=0.01)


@pytest.mark.parametrize("smiles", ["C[C@H](O)C(N)=O", "C[NH3+]", "[O-]C=O"])
def test_relaxation_ends_where_nothing_pulls_and_does_not_go_on(smiles):
    mol = embedded(smiles)
    before = xtb.energy(mol)
    after = xtb.relax(mol)
    assert after < before
    assert after == pytest.approx(xtb.energy(mol), abs=1e-3)
    assert np.abs(gradient(mol)).max() <= xtb.MAX_GRADIENT * 1.01
    x = mol.GetConformer().GetPositions()
    xtb.relax(mol)
    np.testing.assert_allclose(mol.GetConformer().GetPositions(), x, atol=1e-6)


def test_fixed_atoms_stay_and_the_others_relax_around_them():
    mol = embedded("CCO")
    x = np.array(mol.GetConformer().GetPositions())
    x[2] += 0.1
    mol.GetConformer().SetPositions(x)
    xtb.relax(mol, fixed=[0, 2])
    now = mol.GetConformer().GetPositions()
    np.testing.assert_array_equal(now[[0, 2]], x[[0, 2]])
    assert np.abs(now[1] - x[1]).max() > 0.01
    pull = np.abs(gradient(mol)).max(1)
    assert np.delete(pull, [0, 2]).max() <= xtb.MAX_GRADIENT * 1.01 < pull[[0, 2]].max()


def test_only_the_conformer_named_moves():
    mol = embedded("CO")
    mol.AddConformer(Chem.Conformer(mol.GetConformer()), assignId=True)
    x = np.array(mol.GetConformer(0).GetPositions())
    xtb.relax(mol, 1)
    np.testing.assert_array_equal(mol.GetConformer(0).GetPositions(), x)
    assert np.abs(mol.GetConformer(1).GetPositions() - x).max() > 1e-3


def test_impossible_geometry_is_an_error_that_leaves_it_alone():
    mol = embedded("CO")
    x = np.array(mol.GetConformer().GetPositions())
    x[1] = x[0]
    mol.GetConformer().SetPositions(x)
    with pytest.raises(xtb.XTBError):
        xtb.relax(mol)
    np.testing.assert_array_equal(mol.GetConformer().GetPositions(), x)


def test_model_hessian_is_symmetric_positive_and_blind_to_translation():
    mol = embedded("OCC=O")
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    hessian = xtb.model_hessian(numbers, mol.GetConformer().GetPositions())
    np.testing.assert_allclose(hessian, hessian.T)
    soft = np.linalg.eigvalsh(hessian)
    floor = xtb._SOFT * xtb.KCAL_PER_MOL / xtb.BOHR**2
    np.testing.assert_allclose(soft[:3], floor)
    translation = np.tile([1.0, 0, 0], len(numbers))
    np.testing.assert_allclose(hessian @ translation, floor * translation, atol=1e-9)


def test_without_tblite_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tblite", None)
    with pytest.raises(ImportError, match=r"pip install 'molediff\[xtb\]'"):
        xtb.energy(embedded("CO"))
