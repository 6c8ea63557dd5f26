"""Losses against the exact log-probability of data that can be enumerated."""

import itertools

import pytest
import torch
from core.discrete.enumerable import (
    ENTROPY,
    NUM_CATEGORIES,
    PROBABILITIES,
    STATES,
    exact_denoiser,
    exact_estimate,
)

from molediff.core.discrete import (
    Absorbing,
    Marginal,
    Uniform,
    any_order_loss,
    bound_weight,
    cross_entropy,
    log_prob_bound,
    masked_at_random,
    rate_bound,
)
from molediff.core.generators import Generators
from molediff.core.paths import CosineVP, SquareRootVP


def integral(process, integrand, num_nodes=4000):
    """Of `integrand(x_0, x_t, t)` (n,) over time and over all x_0 and x_t, exactly but for the quadrature."""
    path = process.path
    edges = torch.linspace(path.t_min, path.t_max, num_nodes + 1, dtype=torch.float64)
    noisy = torch.tensor(list(itertools.product(range(process.num_states), repeat=2)))
    total = 0.0
    for t, step in zip((edges[1:] + edges[:-1]) / 2, edges.diff(), strict=True):
        x_0 = STATES.repeat_interleave(len(noisy), 0)
        x_t = noisy.repeat(len(STATES), 1)
        times = t.expand(len(x_0))
        likelihood = process.marginal(x_0, times).gather(-1, x_t.unsqueeze(-1))[..., 0].prod(-1)
        weights = PROBABILITIES.repeat_interleave(len(noisy)) * likelihood
        value = integrand(x_0, x_t, times)
        total += float((torch.where(weights > 0, value, 0.0) * weights).sum() * step)
    return total


@pytest.mark.parametrize(
    "process",
    [
        Absorbing(SquareRootVP(), NUM_CATEGORIES),
        Uniform(CosineVP(), NUM_CATEGORIES),
        Marginal(CosineVP(), torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)),
    ],
)
def test_the_bound_of_the_exact_denoiser_is_the_entropy(process):
    def integrand(x_0, x_t, t):
        return rate_bound(process, x_0, x_t, exact_estimate(process, x_t, t), t).sum(1)

    assert integral(process, integrand) == pytest.approx(ENTROPY, abs=0.01)


def test_the_bound_of_a_wrong_denoiser_is_above_the_entropy():
    process = Uniform(CosineVP(), NUM_CATEGORIES)

    def integrand(x_0, x_t, t):
        wrong = 0.8 * exact_estimate(process, x_t, t) + 0.2 / NUM_CATEGORIES
        return rate_bound(process, x_0, x_t, wrong, t).sum(1)

    assert integral(process, integrand, 1000) > ENTROPY + 0.05


@pytest.mark.parametrize("path", [SquareRootVP(), CosineVP()])
def test_for_masks_the_bound_is_a_weighted_cross_entropy(path):
    process = Absorbing(path, NUM_CATEGORIES)
    x_t = torch.tensor([[3, 1], [3, 3]])
    x_0 = torch.tensor([[0, 1], [2, 1]])
    t = torch.tensor([0.3, 0.6], dtype=torch.float64)
    logits = torch.randn(2, 2, NUM_CATEGORIES, generator=torch.Generator().manual_seed(0)).double()
    estimate = torch.nn.functional.pad(logits.softmax(-1), (0, 1))
    found = rate_bound(process, x_0, x_t, estimate, t)
    expected = bound_weight(process, t).unsqueeze(1) * cross_entropy(logits, x_0) * (x_t == 3)
    torch.testing.assert_close(found, expected)
    if isinstance(path, SquareRootVP):
        torch.testing.assert_close(bound_weight(process, t), 1 / t)


def test_the_number_of_masked_entries_is_uniform_and_the_choice_fair():
    real = torch.ones(24000, 4, dtype=torch.bool)
    real[:, 3] = False
    masked = masked_at_random(real, torch.Generator().manual_seed(0))
    assert not masked[:, 3].any()
    counts = torch.bincount(masked.sum(1), minlength=4) / len(real)
    torch.testing.assert_close(counts, torch.tensor([0, 1 / 3, 1 / 3, 1 / 3]), atol=1e-3, rtol=0)
    one = masked[masked.sum(1) == 1].float().mean(0)
    torch.testing.assert_close(one, torch.tensor([1 / 3, 1 / 3, 1 / 3, 0]), atol=0.02, rtol=0)


def test_the_any_order_loss_of_the_exact_denoiser_is_the_entropy():
    process = Absorbing(SquareRootVP(), NUM_CATEGORIES)
    total = 0.0
    for pattern, chance in (([True, True], 1 / 2), ([True, False], 1 / 4), ([False, True], 1 / 4)):
        masked = torch.tensor(pattern).expand(len(STATES), 2)
        x_t = STATES.masked_fill(masked, process.mask_state)
        logits = exact_denoiser(process)(x_t, torch.full((len(STATES),), 0.5, dtype=torch.float64))
        losses = any_order_loss(logits, STATES, masked, torch.ones_like(masked))
        total += chance * float(torch.where(PROBABILITIES > 0, losses, 0.0) @ PROBABILITIES)
    assert total == pytest.approx(ENTROPY, abs=1e-9)


def test_the_log_probability_of_the_exact_denoiser_is_exact_in_every_order():
    process = Absorbing(SquareRootVP(), NUM_CATEGORIES)
    possible = PROBABILITIES > 0
    generators = Generators(range(int(possible.sum())))
    found = log_prob_bound(exact_denoiser(process), process, STATES[possible], generators, num_orders=3)
    torch.testing.assert_close(found, PROBABILITIES[possible].log())
