import numpy as np
import pytest

from molediff.molecules.perception.internal_coordinates import angle, enclosure, height, length, twist

TETRAHEDRON = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)


def test_lengths_and_angles_of_a_right_triangle():
    x = np.array([[[3.0, 0, 0], [0, 0, 0], [0, 4, 0]]])
    np.testing.assert_allclose(length(x, np.array([[0, 2], [0, 1]])), [[5, 3]])
    np.testing.assert_allclose(angle(x, np.array([[0, 1, 2]])), [[90]])


def test_height_is_the_distance_from_the_plane_of_the_neighbours():
    x = np.array([[[0.2, 0.1, 0.3], [1, 0, 0], [0, 1, 0], [-1, -1, 0]]])
    np.testing.assert_allclose(height(x, np.array([[0, 1, 2, 3]])), [[0.3]])


@pytest.mark.parametrize("mirrored", [1, -1])
def test_enclosure_of_a_tetrahedron_and_of_a_carbon_outside_of_it(mirrored):
    atoms = np.array([[0, 1, 2, 3, 4]])
    regular = 4 / 3**1.5  # the triple product of three unit vectors of a tetrahedron
    np.testing.assert_allclose(enclosure(mirrored * TETRAHEDRON[None], atoms), [[regular]])
    outside = TETRAHEDRON.copy()
    outside[0] = [-2, -2, -2]
    assert enclosure(outside[None], atoms)[0, 0] < 0


@pytest.mark.parametrize(("degrees", "expected"), [(0, 0), (30, 30), (90, 90), (150, 30), (180, 0)])
def test_twist_is_the_angle_between_the_planes_of_the_ends(degrees, expected):
    turn = np.radians(degrees)
    up = np.array([0, np.cos(turn), np.sin(turn)])
    x = np.array([[[-0.5, 1, 0], [-0.5, -1, 0], [0, 0, 0], [1.3, 0, 0], [1.8, *up[1:]], [1.8, *-up[1:]]]])
    both, one = np.array([[0, 1, 2, 3, 4, 5]]), np.array([[0, -1, 2, 3, 4, -1]])
    np.testing.assert_allclose(twist(x, both), [[expected]], atol=1e-6)
    np.testing.assert_allclose(twist(x, one), [[expected]], atol=1e-6)


def test_what_is_not_known_stays_unknown():
    x = TETRAHEDRON[None].copy()
    x[0, 1] = np.nan
    assert np.isnan(length(x, np.array([[0, 1]]))).all()
    assert np.isnan(angle(x, np.array([[1, 0, 2]]))).all()
    assert np.isnan(enclosure(x, np.array([[0, 1, 2, 3, 4]]))).all()
