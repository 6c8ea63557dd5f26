"""Training of the prior of torsions."""

import math

import torch

from molediff.networks.torsion_batch import BIN_WIDTH, NUM_BINS
from molediff.training.torsions import bin_of, spread_over_bins


def test_bins_cover_the_circle():
    assert bin_of(torch.tensor([-180.0, -0.1, 0.0, 4.9, 5.0, 179.9, 180.0])).tolist() == [
        0,
        35,
        36,
        36,
        37,
        71,
        71,
    ]


def test_a_torsion_is_spread_as_a_normal_on_the_circle():
    degrees = torch.tensor([0.0, 62.5, 90.0, 180.0, -180.0])
    found = spread_over_bins(degrees, 4.0)
    assert found.shape == (5, NUM_BINS)
    torch.testing.assert_close(found.sum(1), torch.ones(5))
    # 0 and 90 lie on edges: half a normal's mass within 5 degrees on either side.
    within = 0.5 * math.erf(BIN_WIDTH / (4.0 * math.sqrt(2)))
    for row, edge in ((0, 36), (2, 54), (3, 0)):
        torch.testing.assert_close(
            found[row, [edge - 1, edge]], torch.full((2,), within), atol=1e-6, rtol=1e-6
        )
    torch.testing.assert_close(found[3], found[4])
    assert found[1].argmax() == 48
