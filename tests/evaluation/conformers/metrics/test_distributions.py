import numpy as np
import pytest

from molediff.evaluation.conformers.metrics.distributions import (
    Pool,
    distribution_distance,
    fraction_outside,
    pool,
)


def plain(values: object) -> Pool:
    array = np.asarray(values, dtype=float)
    return Pool(array, np.ones_like(array))


def test_shift_is_the_distance():
    values = np.linspace(1.4, 1.6, 50)
    assert distribution_distance({"C-C": plain(values + 0.03)}, {"C-C": plain(values)}) == pytest.approx(0.03)


def test_kinds_are_weighted_by_their_frequency_in_the_reference():
    reference = {"C-C": plain([1.5] * 3), "C-O": plain([1.4])}
    samples = {"C-C": plain([1.6] * 3), "C-O": plain([1.4])}
    assert distribution_distance(samples, reference) == pytest.approx(0.075)


def test_molecules_count_alike_however_many_conformers_they_have():
    many = {"C-C": np.full((9, 1), 1.6)}
    one = {"C-C": np.full((1, 1), 1.5)}
    pooled = pool([many, one])
    assert pooled["C-C"].weights.sum() == pytest.approx(2.0)
    assert distribution_distance(pooled, {"C-C": plain([1.5])}) == pytest.approx(0.05)


def test_molecule_without_conformers_adds_nothing():
    assert pool([{"C-C": np.empty((0, 4))}]) == {}
    assert np.isnan(distribution_distance({}, {"C-C": plain([1.5])}))


def test_fraction_outside_the_range_of_its_kind():
    reference = {"C-C": plain(np.linspace(1.4, 1.6, 1001))}
    samples = {"C-C": plain([1.3, 1.45, 1.5, 1.7])}
    assert fraction_outside(samples, reference) == 0.5
    assert fraction_outside(reference, reference) == pytest.approx(0.002, abs=5e-4)


def test_kinds_with_too_few_reference_values_are_left_out():
    assert np.isnan(fraction_outside({"C-F": plain([9.0])}, {"C-F": plain([1.3] * 10)}))
