"""Training of the prior of torsions."""

import math

import torch

from molediff.networks.torsion_prior import BIN_WIDTH, NUM_BINS
from molediff.training.torsions import bin_of, spread_over_bins


def test_bins_cover_0_to_180_degrees():
    assert bin_of(torch.tensor([0.0, 4.9, 5.0, 179.9, 180.0])).tolist() == [0, 0, 1, 35, 35]


def test_a_torsion_is_spread_as_a_normal_and_reflected_at_the_ends():
    sizes = torch.tensor([0.0, 62.5, 90.0, 180.0])
    found = spread_over_bins(sizes, 4.0)
    torch.testing.assert_close(found.sum(1), torch.ones(4))
    # 90 lies on an edge: half a normal's mass within 5 degrees on either side.
    within = 0.5 * math.erf(BIN_WIDTH / (4.0 * math.sqrt(2)))
    torch.testing.assert_close(found[2, [17, 18]], torch.full((2,), within), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(found[0, 0], torch.tensor(2 * within), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(found[3], found[0].flip(0), atol=1e-5, rtol=1e-5)
    assert found[1].argmax() == 12
    assert found.shape == (4, NUM_BINS)
