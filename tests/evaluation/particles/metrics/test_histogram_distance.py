import numpy as np
import pytest

from molediff.evaluation.particles.metrics.histogram_distance import total_variation, wasserstein1


def test_a_shift_is_its_own_wasserstein_distance():
    x = np.random.default_rng(0).standard_normal(500)
    assert wasserstein1(x + 0.3, x) == pytest.approx(0.3)
    assert wasserstein1(np.append(x, np.inf), x) == pytest.approx(0)


def test_weights_undo_a_biased_choice():
    x = np.array([0.0, 1.0])
    biased = np.array([0.0, 0.0, 0.0, 1.0])
    weights = np.array([1.0, 1.0, 1.0, 3.0])
    assert wasserstein1(biased, x) == pytest.approx(0.25)
    assert wasserstein1(biased, x, weights) == pytest.approx(0)
    assert total_variation(biased, x, num_bins=2) == pytest.approx(0.25)
    assert total_variation(biased, x, weights, num_bins=2) == pytest.approx(0)


def test_total_variation_runs_from_zero_to_one_and_sees_infinity():
    x = np.arange(1000.0)
    assert total_variation(x, x) == pytest.approx(0, abs=1e-12)
    assert total_variation(x + 2000, x) == pytest.approx(0.98)  # all in the last of 50 bins
    half = np.where(x < 500, x, np.inf)
    assert total_variation(half, x) == pytest.approx(0.48)
