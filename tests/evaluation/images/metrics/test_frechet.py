import numpy as np
import pytest

from molediff.evaluation.images.metrics.frechet import frechet_distance


def test_of_two_normals_is_the_closed_form():
    """With commuting covariances: the squared distance of the means plus that of the standard deviations."""
    g = np.random.default_rng(0)
    turn = np.linalg.qr(g.standard_normal((3, 3)))[0]
    spread_a, spread_b = np.array([1.0, 2.0, 0.5]), np.array([0.5, 2.0, 3.0])
    a = g.standard_normal((40_000, 3)) * spread_a @ turn
    b = (g.standard_normal((40_000, 3)) * spread_b + [3.0, 0.0, -1.0]) @ turn
    expected = 10 + ((spread_a - spread_b) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=0.02)


def test_covariances_that_do_not_commute():
    """Of two normals in two dimensions: tr(C_a C_b)^(1/2) squared is tr(C_a C_b) + 2 det(C_a C_b)^(1/2)."""
    g = np.random.default_rng(1)
    a = g.standard_normal((50, 2)) @ np.array([[1.0, 0.4], [0.0, 0.7]])
    b = g.standard_normal((60, 2)) @ np.array([[0.3, 0.0], [-0.9, 1.2]])
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    overlap = np.sqrt(np.trace(cov_a @ cov_b) + 2 * np.sqrt(np.linalg.det(cov_a @ cov_b)))
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_equal_sets_are_at_zero_even_in_fewer_dimensions_than_features():
    a = np.random.default_rng(0).standard_normal((5, 12))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("b", [np.zeros((1, 3)), np.zeros((4, 2)), np.zeros(3)])
def test_sets_that_have_no_distance(b):
    with pytest.raises(ValueError, match="at least two samples"):
        frechet_distance(np.zeros((4, 3)), b)
