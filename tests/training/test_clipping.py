"""Which gradients are clipped, and how far."""

import pytest
import torch

from molediff.training.clipping import AdaptiveClipping, FixedClipping, NoiseLevelClipping


def test_fixed_threshold_stays():
    assert FixedClipping(0.5).threshold(100.0) == FixedClipping(0.5).threshold(0.1) == 0.5


def test_adaptive_threshold_settles_at_mean_and_deviation_of_what_came():
    clipping = AdaptiveClipping(length=4)
    for norm in (1.0, 3.0, 1.0, 3.0):
        clipping.threshold(norm)
    assert clipping.threshold(1.0) == pytest.approx(1.5 * 2.0 + 2.0 * 1.0)


def test_an_outlier_does_not_open_the_gate():
    clipping = AdaptiveClipping()
    for _ in range(60):
        before = clipping.threshold(1.0)
    clipping.threshold(1e6)
    assert clipping.threshold(1.0) < 1.2 * before


def test_adaptive_threshold_is_restored():
    first, second = AdaptiveClipping(), AdaptiveClipping()
    for norm in (1.0, 2.0, 5.0):
        first.threshold(norm)
    second.load_state_dict(first.state_dict())
    assert second.threshold(1.0) == first.threshold(1.0)


def test_threshold_of_a_noise_level_is_inverse_to_its_weight():
    weight = torch.tensor([0.5, 1.0, 1.5])
    gradient = torch.full((3, 4, 3), 100.0)
    clipped = NoiseLevelClipping(max_norm=2.0)(gradient, weight)
    norms = clipped.flatten(1).norm(dim=1) * 3
    torch.testing.assert_close(norms, 2.0 / weight)


def test_small_gradients_pass_unchanged():
    gradient = torch.randn(5, 2) * 1e-3
    assert torch.equal(NoiseLevelClipping()(gradient, torch.ones(5)), gradient)
