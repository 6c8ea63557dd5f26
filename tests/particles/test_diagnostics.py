"""Diagnostics on chains whose law is known."""

import numpy as np
import pytest

from molediff.particles.diagnostics import (
    NotMixedError,
    autocorrelation,
    autocorrelation_time,
    check_mixed,
    effective_sample_size,
    split_r_hat,
    standard_error,
)


def autoregressive(correlation, num_chains=50, num_records=4000, seed=0):
    """x_t = c x_(t-1) + sqrt(1 - c^2) z: autocorrelation c^t, integrated time (1 + c) / (1 - c)."""
    random = np.random.default_rng(seed)
    chains = np.empty((num_chains, num_records))
    chains[:, 0] = random.normal(size=num_chains)
    for t in range(1, num_records):
        noise = random.normal(size=num_chains)
        chains[:, t] = correlation * chains[:, t - 1] + np.sqrt(1 - correlation**2) * noise
    return chains


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_autocorrelation_time_of_an_autoregressive_chain(correlation):
    chains = autoregressive(correlation)
    expected = (1 + correlation) / (1 - correlation)
    assert autocorrelation_time(chains) == pytest.approx(expected, rel=0.06)
    assert effective_sample_size(chains) == pytest.approx(chains.size / expected, rel=0.06)
    np.testing.assert_allclose(autocorrelation(chains)[:5], correlation ** np.arange(5), atol=0.02)


def test_standard_error_counts_chains_and_not_records():
    chains = autoregressive(0.9, num_chains=400, num_records=500)
    assert standard_error(chains) == pytest.approx(np.sqrt(19 / chains.size), rel=0.15)
    assert standard_error(chains) > 3 * chains.std() / np.sqrt(chains.size)


def test_chains_that_mix_have_r_hat_one():
    assert split_r_hat(autoregressive(0.5)) < 1.005


def test_two_stuck_chains_are_flagged():
    random = np.random.default_rng(0)
    stuck = random.normal(size=(2, 500)) + np.array([[-5.0], [5.0]])
    assert split_r_hat(stuck) > 1.5
    with pytest.raises(NotMixedError, match=r"R-hat of the pair distance is .*Run longer"):
        check_mixed({"energy": random.normal(size=(2, 500)), "pair_distance": stuck})


def test_a_drift_within_one_chain_is_flagged():
    drifting = np.random.default_rng(0).normal(size=(1, 500)) + np.linspace(0, 3, 500)
    assert split_r_hat(drifting) > 1.1


def test_chains_of_one_mean_but_other_widths_are_flagged():
    random = np.random.default_rng(0)
    assert split_r_hat(random.normal(size=(4, 500)) * np.array([[1.0], [1.0], [1.0], [4.0]])) > 1.05


def test_heavy_tails_do_not_hide_a_shift():
    """Cauchy chains have no variance; ranks do (the failure that rank-normalization mends)."""
    random = np.random.default_rng(0)
    assert split_r_hat(random.standard_cauchy((4, 500)) + np.array([[0.0], [0.0], [0.0], [2.0]])) > 1.05


def test_chains_that_never_moved_have_not_mixed():
    with pytest.raises(NotMixedError, match="R-hat of the energy is nan"):
        check_mixed({"energy": np.zeros((4, 100))})
