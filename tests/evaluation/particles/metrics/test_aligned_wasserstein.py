import numpy as np
import pytest

pytest.importorskip("ot")

from molediff.evaluation.particles.metrics.aligned_wasserstein import aligned_wasserstein2


def moved(x, rng):
    """The same configurations in another order, each relabelled, turned or reflected, and shifted."""
    n, num, d = x.shape
    turns = np.linalg.qr(rng.standard_normal((n, d, d)))[0]
    labels = np.stack([rng.permutation(num) for _ in range(n)])
    y = np.take_along_axis(x, labels[..., None], 1) @ turns + rng.standard_normal((n, 1, d))
    return y[rng.permutation(n)]


@pytest.mark.parametrize("shape", [(12, 4, 2), (6, 13, 3)])
def test_symmetries_cost_nothing(shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    assert aligned_wasserstein2(x, moved(x, rng)) < 1e-6


def test_a_stretch_costs_its_length():
    """Pairs of particles, each set at one distance: half the difference for either particle."""
    rng = np.random.default_rng(1)
    x, y = (np.tile(r * np.array([[-0.5, 0.0], [0.5, 0.0]]), (5, 1, 1)) for r in (1.0, 1.6))
    assert aligned_wasserstein2(moved(x, rng), moved(y, rng)) == pytest.approx(np.sqrt(2 * 0.3**2))


def test_it_is_a_distance_between_sets_not_of_single_pairs():
    near, far = np.array([[[-0.5, 0.0], [0.5, 0.0]]]), np.array([[[-1.5, 0.0], [1.5, 0.0]]])
    x, y = np.concatenate([near, near]), np.concatenate([near, far])
    assert aligned_wasserstein2(x, y) == pytest.approx(1.0)  # half of them move by 1 at each of two particles
