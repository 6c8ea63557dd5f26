"""Batches of particle systems."""

import itertools

import numpy as np
import pytest
import torch

from molediff.core.objective.target_score import TargetScore
from molediff.core.paths import CosineVP
from molediff.particles import lj13
from molediff.particles.datamodule import ParticleDataModule


def positions(num_samples, seed=0):
    return np.random.default_rng(seed).normal(scale=1.5, size=(num_samples, 4, 2)).astype(np.float32)


def test_a_pass_holds_every_configuration_once_and_passes_differ():
    data = ParticleDataModule(positions(10), positions(3, seed=1), batch_size=5)
    batches = [x for x, _, _ in itertools.islice(data.train_dataloader(), 4)]
    first, second = torch.cat(batches[:2]), torch.cat(batches[2:])
    assert first.shape == (10, 4, 2)
    assert not torch.equal(first, second)
    for one_pass in (first, second):
        np.testing.assert_array_equal(np.sort(one_pass[:, 0, 0]), np.sort(positions(10)[:, 0, 0]))


def test_a_resumed_run_goes_on_with_the_next_batch():
    whole = ParticleDataModule(positions(10), positions(3), batch_size=5, seed=3)
    resumed = ParticleDataModule(positions(10), positions(3), batch_size=5, seed=3)
    resumed.load_state_dict({"num_batches": 3})
    expected = list(itertools.islice(whole.train_dataloader(), 5))[3:]
    for (batch, *_), (same, *_) in zip(
        expected, itertools.islice(resumed.train_dataloader(), 2), strict=True
    ):
        torch.testing.assert_close(batch, same, rtol=0, atol=0)


def test_validation_is_in_order_and_knows_no_condition():
    data = ParticleDataModule(positions(4), positions(7, seed=1), batch_size=5)
    parts, (condition, *_), (mask, *_) = zip(*data.val_dataloader(), strict=True)
    x_0 = torch.cat(parts)
    torch.testing.assert_close(x_0, torch.from_numpy(positions(7, seed=1)))
    assert condition is None
    assert mask is None


def test_scale_is_the_deviation_about_the_centre():
    far = positions(2000) + 10.0
    assert ParticleDataModule(far, far).scale() == pytest.approx(1.5 * (3 / 4) ** 0.5, rel=0.02)


@pytest.mark.parametrize("wrong", [np.zeros((0, 4, 2)), np.zeros((4, 2)), np.full((3, 4, 2), np.nan)])
def test_what_cannot_be_trained_on_is_refused(wrong):
    with pytest.raises(ValueError, match="train"):
        ParticleDataModule(wrong, positions(2))


def test_the_force_of_a_system_serves_the_control_variate_in_model_units():
    """At small noise the noise regressed is the force at the configuration: eps - c zeta = -(sigma / alpha) force."""
    generator = torch.Generator().manual_seed(0)
    grid = torch.cartesian_prod(*[torch.arange(3.0)] * 3)[:13] * 1.1
    x_0 = grid + 0.02 * torch.randn(1, 13, 3, generator=generator)
    scale, eps = 0.7, torch.randn(1, 13, 3, generator=generator)
    path = CosineVP()
    t = path.t_of_lambda(torch.tensor([6.0]))
    new_eps = TargetScore(lj13.force, scale, local_std=10.0)(x_0 / scale, eps, path, t)[1]
    expected = -path.sigma(t) / path.alpha(t) * scale * lj13.force(x_0)
    torch.testing.assert_close(new_eps, expected, rtol=1e-3, atol=1e-3)
