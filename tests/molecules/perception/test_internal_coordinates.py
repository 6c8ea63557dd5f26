import numpy as np
import pytest
from rdkit import Chem

from molediff.molecules.perception.internal_coordinates import (
    Bend,
    angle,
    enclosure,
    height,
    length,
    torsion,
    twist,
)
from molediff.molecules.perception.kinds import Kinds

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


def test_torsion_sees_the_pyramid_that_twist_does_not():
    legs = [np.array([0, np.cos(a), np.sin(a)]) for a in np.radians([60, 120])]  # both above the plane
    x = np.array(
        [[[-0.5, 1, 0], [-0.5, -1, 0], [0, 0, 0], [1.3, 0, 0], [1.8, *legs[0][1:]], [1.8, *legs[1][1:]]]]
    )
    atoms = np.array([[0, 1, 2, 3, 4, 5]])
    np.testing.assert_allclose(twist(x, atoms), [[0]], atol=1e-6)
    np.testing.assert_allclose(torsion(x, atoms), [[60]], atol=1e-6)
    np.testing.assert_allclose(torsion(x, np.array([[0, -1, 2, 3, 4, -1]])), [[60]], atol=1e-6)


def test_bend_is_the_root_mean_square_of_what_angles_are_off():
    kinds = Kinds(Chem.AddHs(Chem.MolFromSmiles("C")))
    regular = np.degrees(np.arccos(-1 / 3))
    bend = Bend(kinds, lambda names: np.full(len(names), regular))
    np.testing.assert_allclose(bend(TETRAHEDRON[None]), [[0]], atol=1e-6)
    leaning = TETRAHEDRON.copy()
    leaning[1] = [1, 1, 0]
    pairs = [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]
    angles = angle(leaning[None], np.array([(i, 0, j) for i, j in pairs]))
    np.testing.assert_allclose(bend(leaning[None]), [[np.sqrt(((angles - regular) ** 2).mean())]])


def test_an_atom_with_an_angle_that_nothing_is_known_of_is_not_judged():
    bend = Bend(Kinds(Chem.AddHs(Chem.MolFromSmiles("C"))), lambda names: np.array([np.nan, *[100.0] * 5]))
    assert np.isnan(bend(TETRAHEDRON[None])).all()


def test_what_is_not_known_stays_unknown():
    x = TETRAHEDRON[None].copy()
    x[0, 1] = np.nan
    assert np.isnan(length(x, np.array([[0, 1]]))).all()
    assert np.isnan(angle(x, np.array([[1, 0, 2]]))).all()
    assert np.isnan(enclosure(x, np.array([[0, 1, 2, 3, 4]]))).all()
