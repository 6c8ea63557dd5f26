import numpy as np
import pytest
from gaussian_particles import exact_generator, springs

from molediff.evaluation.particles.metrics.score_against_force import score_against_force


def test_the_score_of_a_normal_is_its_force_of_a_softer_spring():
    """With noise the variance s^2 becomes s^2 + (sigma / alpha)^2, and the score falls by as much."""
    generator = exact_generator(0.6)
    x = generator.generate(20, seed=1)
    for level in score_against_force(generator, x, [6.0, 1.0, 0.0]):
        assert level.cosine == pytest.approx(1, abs=1e-9)
        assert level.scale == pytest.approx(0.6**2 / (0.6**2 + level.noise**2), rel=1e-6)
        assert level.median_ratio == pytest.approx(level.scale)


def test_a_wrong_energy_shows():
    generator = exact_generator(0.6, energy=springs(0.9))
    x = generator.generate(20, seed=1)
    (level,) = score_against_force(generator, x, [6.0])
    assert level.scale == pytest.approx((0.9 / 0.6) ** 2, rel=1e-3)
    assert np.isfinite(level.noise)
