"""Distances to an exact law, for samples whose distance is known."""

import math

import pytest
import torch

from molediff.core.exact.mixture import gaussian, islands, two_peaks
from molediff.core.paths import CosineVP
from molediff.evaluation.mathematics.exact_law import ExactLaw

PATH = CosineVP()


@pytest.fixture(scope="module")
def law():
    return ExactLaw(islands(PATH), PATH.t_min, 4000)


def test_a_shifted_law_is_as_far_as_the_shift():
    law = ExactLaw(two_peaks(PATH), PATH.t_min, 4000)
    assert law.wasserstein(law.fresh(1) + 0.5) == pytest.approx(0.5, abs=0.05)
    assert law.wasserstein(law.fresh(1)) < 0.05


def test_seen_from_all_sides_a_shift_counts_by_its_mean_projection(law):
    shift = torch.tensor([1.0, 0.0], dtype=torch.float64)
    seen = sum(abs(math.cos(math.pi * k / law.num_directions)) for k in range(law.num_directions))
    assert law.wasserstein(law.fresh(1) + shift) == pytest.approx(seen / law.num_directions, abs=0.05)


def test_a_lost_mode_is_lost_weight(law):
    x = law.fresh(2)
    assert law.lost_weight(x) < 0.03
    kept = x[law.nearest(x) != 0]
    assert law.lost_weight(kept) == pytest.approx(float(law.mixture.weights[0]), abs=0.03)


def test_modes_of_half_the_width_have_half_the_spread(law):
    x = law.fresh(3)
    assert law.spread(x) == pytest.approx(1.0, abs=0.03)
    centres = law.mixture.means[law.nearest(x)]
    assert law.spread(centres + 0.5 * (x - centres)) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_the_spread_is_that_of_the_noised_law(t):
    law = ExactLaw(gaussian(PATH, [1.0, -2.0], [[0.5, 0.1], [0.1, 0.2]]), t, 4000)
    assert law.spread(law.fresh(3)) == pytest.approx(1.0, abs=0.03)
