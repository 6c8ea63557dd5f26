"""The Frechet distance against what can be worked out by hand."""

import numpy as np
import pytest

from molediff.evaluation.whole.metrics.frechet import Normal, chemnet_features, frechet_distance


def test_equal_distributions_are_at_distance_zero():
    a = np.random.default_rng(0).normal(size=(6, 6))
    one = Normal(np.arange(6.0), a @ a.T)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_of_independent_directions_it_is_the_distance_of_means_and_of_spreads():
    one = Normal(np.zeros(2), np.diag([4.0, 9.0]))
    other = Normal(np.array([3.0, 4.0]), np.diag([1.0, 1.0]))
    assert frechet_distance(one, other) == pytest.approx(25 + (2 - 1) ** 2 + (3 - 1) ** 2)


def test_it_is_symmetric_and_holds_for_singular_covariances():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    one, other = Normal(np.zeros(5), a @ a.T), Normal(np.ones(5), b @ b.T)
    # The square root of a singular matrix carries the root of the rounding.
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one), abs=1e-5)


def test_one_molecule_has_no_covariance():
    with pytest.raises(ValueError, match="at least two"):
        Normal.of(np.zeros((1, 3)))


def test_chemnet_tells_drugs_from_alkanes():
    pytest.importorskip("fcd")
    alkanes = ["C" * k for k in range(3, 15)]
    drugs = ["CC(=O)Nc1ccccc1", "Cc1nnc(N)s1", "O=C(c1ccccc1)N1CCOCC1", "CS(=O)(=O)c1ccc(Br)cc1"] * 3
    features = [Normal.of(chemnet_features(smiles)) for smiles in (alkanes, alkanes[::-1], drugs)]
    assert frechet_distance(features[0], features[1]) == pytest.approx(0, abs=1e-3)
    assert frechet_distance(features[0], features[2]) > 1
