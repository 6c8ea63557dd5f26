"""Errors of near distances."""

import math

import pytest
import torch

from molediff.core import LocalDistances


def test_two_points_by_hand():
    x = torch.tensor([[[0.0, 0, 0], [2.0, 0, 0]]])
    y = torch.tensor([[[0.0, 0, 0], [2.3, 0, 0]]])
    error = LocalDistances(reach=2.0, unit=0.1)(y, x)
    # Either point sees the other: weight exp(-1), rho(3) = sqrt(10) - 1.
    assert float(error) == pytest.approx(math.exp(-1) * (math.sqrt(10) - 1), rel=1e-5)


def test_nothing_is_lost_by_rigid_motions_and_reflections():
    x = torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(0))
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]
    assert float(LocalDistances()(x @ rotation.T + 5.0, x)) == pytest.approx(0, abs=1e-4)


def test_units_do_not_matter():
    x, y = (torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(seed)) for seed in (2, 3))
    scaled = LocalDistances(length_scale=2.5)(y / 2.5, x / 2.5)
    torch.testing.assert_close(scaled, LocalDistances()(y, x), rtol=1e-4, atol=1e-4)


def test_padding_does_not_count():
    x, y = (torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(seed)) for seed in (4, 5))
    mask = torch.tensor([[True] * 5 + [False] * 3])
    padded = (torch.cat([points, torch.ones(1, 3, 3)], 1) for points in (y, x))
    torch.testing.assert_close(LocalDistances()(*padded, mask), LocalDistances()(y, x))


def test_the_gradient_is_finite_where_points_coincide():
    y = torch.zeros(1, 4, 3, requires_grad=True)
    LocalDistances()(y, torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(6))).sum().backward()
    assert y.grad is not None
    assert bool(y.grad.isfinite().all())


def test_lengths_must_be_positive():
    with pytest.raises(ValueError, match="positive reach"):
        LocalDistances(reach=0.0)
