import numpy as np
import pytest

from molediff.evaluation.images.metrics.precision_recall import precision_recall

POINTS = np.random.default_rng(0).standard_normal((60, 4))


def test_equal_sets_have_all_of_both():
    assert precision_recall(POINTS, POINTS) == (1.0, 1.0)


def test_disjoint_sets_have_none_of_either():
    assert precision_recall(POINTS, POINTS + 100) == (0.0, 0.0)


def test_one_of_two_modes_is_precise_but_recalls_half():
    real = np.concatenate([POINTS, POINTS + 100])
    assert precision_recall(real, POINTS) == (1.0, 0.5)
    assert precision_recall(POINTS, real) == (0.5, 1.0)


def test_balls_reach_to_the_kth_neighbour():
    real = np.array([[0.0], [1.0], [3.0]])
    samples = np.array([[-1.0], [-1.5], [5.5], [5.0]])
    # k = 1: radii 1, 1, 2 of the real points cover -1 and 5; radii 0.5 of the samples cover none
    assert precision_recall(real, samples, num_neighbours=1) == (0.5, 0.0)
    # k = 2: radii 3, 2, 3 cover all but 5.5 ... which 3 + 3 covers too
    assert precision_recall(real, samples, num_neighbours=2).precision == 1.0


def test_too_few_points():
    with pytest.raises(ValueError, match="more than num_neighbours=3 points"):
        precision_recall(POINTS[:3], POINTS)
