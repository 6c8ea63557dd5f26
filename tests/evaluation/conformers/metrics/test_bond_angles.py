import numpy as np
import pytest

from molediff.evaluation.conformers.metrics.bond_angles import bond_angles


@pytest.mark.parametrize("degrees", [0.001, 60.0, 109.4712, 179.999])
def test_known_angle(place, degrees):
    radians = np.radians(degrees)
    mol = place("COC", [[1.4, 0, 0], [0, 0, 0], [2 * np.cos(radians), 2 * np.sin(radians), 0]])
    np.testing.assert_allclose(bond_angles(mol)["C-O(sp3)-C"], [[degrees]], atol=1e-6)


def test_kinds_and_their_number(embed):
    angles = bond_angles(embed("CC=O", num_conformers=2))
    assert {kind: array.shape for kind, array in angles.items()} == {
        "C-C(sp3)-H": (2, 3),
        "H-C(sp3)-H": (2, 3),
        "C-C(sp2)-O": (2, 1),
        "C-C(sp2)-H": (2, 1),
        "O-C(sp2)-H": (2, 1),
    }


def test_atoms_on_top_of_each_other_do_not_give_nan(place):
    mol = place("COC", [[0.0, 0, 0], [0, 0, 0], [1.4, 0, 0]])
    assert np.isfinite(bond_angles(mol)["C-O(sp3)-C"]).all()
