import numpy as np
import pytest

from molediff.evaluation.particles.metrics import importance
from molediff.evaluation.particles.metrics.importance import (
    basin_difference,
    effective_sample_fraction,
    largest_weight_fraction,
    log_normalizer,
    log_weights,
    perturbation,
    reweighted_mean,
)


def normal(num, std, seed=0):
    x = std * np.random.default_rng(seed).standard_normal(num)
    return x, -0.5 * (x / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)


def test_equal_weights_are_all_effective():
    assert effective_sample_fraction(np.full(7, -300.0)) == pytest.approx(1)
    assert largest_weight_fraction(np.full(7, 900.0)) == pytest.approx(1 / 7)


def test_one_heavy_sample_is_seen():
    weights = np.array([0.0, 0.0, 0.0, 50.0])
    assert effective_sample_fraction(weights) == pytest.approx(0.25)
    assert largest_weight_fraction(weights) == pytest.approx(1)


def test_effective_fraction_of_a_wider_normal_is_the_closed_form():
    """Weights of N(0, 1) over N(0, s^2): E[w]^2 / E[w^2] = sqrt(2 s^2 - 1) / s^2."""
    x, log_density = normal(200_000, 1.5)
    weights = log_weights(0.5 * x**2, log_density)
    assert effective_sample_fraction(weights) == pytest.approx(np.sqrt(2 * 1.5**2 - 1) / 1.5**2, abs=3e-3)


def test_weights_turn_a_wider_normal_into_the_right_one():
    x, log_density = normal(20_000, 1.5, seed=1)
    weights = log_weights(0.5 * x**2, log_density)
    mean, error = reweighted_mean(x**2, weights)
    assert abs(mean - 1) < 4 * error < 0.1
    log_z, error = log_normalizer(weights)
    assert abs(log_z - 0.5 * np.log(2 * np.pi)) < 4 * error < 0.05


def test_samples_without_weight_do_not_count():
    energy, log_density = np.array([1.0, np.inf, np.nan, 1.0]), np.array([0.0, 0.0, 0.0, -np.inf])
    weights = log_weights(energy, log_density)
    assert np.isfinite(weights).tolist() == [True, False, False, False]
    assert effective_sample_fraction(weights) == pytest.approx(0.25)
    assert reweighted_mean(energy, weights).value == 1.0


def test_free_energies_of_a_stiffer_spring():
    """From x^2 / 2 to 1.2 x^2 / 2 the free energy rises by log(1.2) / 2, whatever the samples are of."""
    for std in (1.0, 1.5):
        x, log_density = normal(40_000, std, seed=2)
        value, error = perturbation(0.1 * x**2, log_weights(0.5 * x**2, log_density))
        assert abs(value - 0.5 * np.log(1.2)) < 4 * error < 0.05


def test_basins_of_a_normal():
    x, log_density = normal(40_000, 1.5, seed=3)
    value, error = basin_difference(x > 1, log_weights(0.5 * x**2, log_density))
    assert abs(value - np.log(0.841345 / 0.158655)) < 4 * error < 0.15
    assert np.isnan(basin_difference(x < 1e3, np.zeros(len(x))).value)


def test_basins_whose_shares_would_round_to_nothing():
    inside = np.array([True, True, False, False, False])
    weights = np.array([-900.0, -900.0, 0.0, 0.0, -np.inf])
    value, error = basin_difference(inside, weights)
    assert value == pytest.approx(900.0)
    assert error == pytest.approx(1.0)  # two effective samples a side: sqrt(1/2 + 1/2)
    assert basin_difference(~inside, weights).value == pytest.approx(-900.0)
    assert np.isnan(basin_difference(inside, np.where(inside, -np.inf, weights)).value)


def test_the_error_of_a_basin_is_that_of_its_share():
    x, log_density = normal(400, 1.5, seed=4)
    weights = log_weights(0.5 * x**2, log_density)
    share, error = reweighted_mean((x > 1).astype(float), weights)
    found = basin_difference(x > 1, weights)
    assert found.value == pytest.approx(np.log(1 / share - 1))
    assert found.standard_error == pytest.approx(error / (share * (1 - share)))


def test_error_bars_are_those_of_repetition():
    found = []
    for seed in range(200):
        x, log_density = normal(400, 1.3, seed=seed)
        found.append(reweighted_mean(x**2, log_weights(0.5 * x**2, log_density)))
    values, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.2)


def test_the_former_names_still_answer():
    with pytest.warns(DeprecationWarning, match="effective_sample_fraction"):
        former = importance.effective_share
    assert former is effective_sample_fraction
