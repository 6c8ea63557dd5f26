"""Energies of several methods for the same conformers."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays

from molediff.molecules.conformers import mean_of_methods

ENERGIES = arrays(float, 5, elements=st.floats(-20, 20))
NAN = np.nan


@given(ENERGIES, st.floats(-1e4, 1e4))
def test_two_methods_that_agree_but_for_their_zero_are_one(energies: np.ndarray, zero: float):
    both = mean_of_methods(energies, energies + zero)
    np.testing.assert_allclose(np.diff(both), np.diff(energies), atol=1e-8)


@given(ENERGIES, ENERGIES)
def test_differences_are_the_mean_of_both(one: np.ndarray, other: np.ndarray):
    found = mean_of_methods(one, other)
    np.testing.assert_allclose(np.diff(found), (np.diff(one) + np.diff(other)) / 2, atol=1e-9)


@given(ENERGIES, ENERGIES)
def test_one_may_count_more(one: np.ndarray, other: np.ndarray):
    found = mean_of_methods(one, other, weights=(3, 1))
    np.testing.assert_allclose(np.diff(found), (3 * np.diff(one) + np.diff(other)) / 4, atol=1e-9)


def test_what_one_does_not_know_is_the_other_s_on_a_common_zero():
    found = mean_of_methods(np.array([0.0, 2.0, NAN, NAN]), np.array([100.0, 104.0, 106.0, NAN]))
    np.testing.assert_allclose(found[:3], [-1.5, 1.5, 4.0])
    assert np.isnan(found[3])


def test_methods_with_nothing_in_common_have_their_own_means_as_zeros():
    found = mean_of_methods(np.array([1.0, 3.0, NAN]), np.array([NAN, NAN, 50.0]))
    np.testing.assert_allclose(found, [-1.0, 1.0, 0.0])
    assert np.isnan(mean_of_methods(np.array([NAN]), np.array([NAN]))).all()
