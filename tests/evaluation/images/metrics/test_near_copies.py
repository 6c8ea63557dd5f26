import numpy as np
import pytest

from molediff.evaluation.images.metrics import near_copies as module
from molediff.evaluation.images.metrics.near_copies import copy_threshold, near_copies, nearest_training

TRAINING = np.random.default_rng(0).random((50, 4, 4, 1))


def test_planted_copies_are_found_and_named():
    images = np.random.default_rng(1).random((8, 4, 4, 1))
    images[[2, 5]] = TRAINING[[30, 7]] + 0.01
    found = nearest_training(images, TRAINING)
    assert found.number[[2, 5]].tolist() == [30, 7]
    np.testing.assert_allclose(found.distance[[2, 5]], 0.01)
    assert near_copies(images, TRAINING, 0.05) == 0.25


def test_distance_is_the_root_mean_square_of_the_pixels():
    images = np.zeros((1, 2, 2, 1))
    training = np.array([1.0, 0.0, 0.0, 0.0]).reshape(1, 2, 2, 1)
    assert nearest_training(images, training).distance == pytest.approx(0.5)


def test_threshold_is_a_quantile_over_the_nearest_others():
    line = np.array([0.0, 1.0, 3.0, 6.0]).reshape(4, 1, 1, 1)  # nearest others: 1, 1, 2, 3
    assert copy_threshold(line, 0.5) == pytest.approx(1.5)
    assert copy_threshold(line, 0.0) == 1.0


def test_nothing_changes_if_the_distances_come_in_parts(monkeypatch):
    images = np.random.default_rng(1).random((8, 4, 4, 1))
    whole, threshold = nearest_training(images, TRAINING), copy_threshold(TRAINING)
    monkeypatch.setattr(module, "_MOST_DISTANCES", 3 * len(TRAINING))
    parts = nearest_training(images, TRAINING)
    np.testing.assert_array_equal(parts.number, whole.number)
    np.testing.assert_array_equal(parts.distance, whole.distance)
    assert copy_threshold(TRAINING) == threshold
