import numpy as np

from molediff.evaluation.particles.metrics.importance import Estimate
from molediff.evaluation.particles.metrics.likelihood import (
    controlled_negative_log_likelihood,
    divergence,
    negative_log_likelihood,
)


def test_the_energy_takes_out_what_it_explains():
    """A model that is right but for noise in its log-density: the noise alone is left in the error bar."""
    rng = np.random.default_rng(0)
    energy = rng.normal(5, 3, 400)
    log_density = -energy - 2 + rng.normal(0, 0.1, 400)
    plain = negative_log_likelihood(log_density)
    controlled = controlled_negative_log_likelihood(log_density, energy, Estimate(5.0, 0.001))
    assert abs(controlled.value - 7) < 3 * controlled.standard_error < 0.02
    assert plain.standard_error > 20 * controlled.standard_error
    assert abs(plain.value - 7) < 4 * plain.standard_error


def test_a_right_model_leaves_the_error_of_the_mean_energy():
    energy = np.array([1.0, 2.0, 3.0])
    assert controlled_negative_log_likelihood(-energy - 2, energy, Estimate(4.0, 0.5)) == (6.0, 0.5)


def test_the_divergence_of_a_wider_normal_is_the_closed_form():
    """KL(N(0, 1) || N(0, s^2)) = log s + (1 / s^2 - 1) / 2."""
    x = np.random.default_rng(1).standard_normal(20_000)
    log_density = -0.5 * (x / 1.5) ** 2 - np.log(1.5) - 0.5 * np.log(2 * np.pi)
    value, error = divergence(log_density, 0.5 * x**2, Estimate(0.5 * np.log(2 * np.pi), 0.0))
    assert abs(value - (np.log(1.5) + 0.5 * (1 / 1.5**2 - 1))) < 4 * error < 0.02
