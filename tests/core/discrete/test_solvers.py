"""Solvers on categories against the law of data that can be enumerated."""

import pytest
import torch
from core.discrete.enumerable import NUM_CATEGORIES, PROBABILITIES, STATES, exact_denoiser

from molediff.core.discrete import (
    Absorbing,
    AncestralCategories,
    EntropyBounded,
    Marginal,
    Revealing,
    Uniform,
    classifier_free,
    uniform_grid,
)
from molediff.core.generators import Generators
from molediff.core.paths import CosineVP, SquareRootVP

NUM_SAMPLES = 6000
MASKED = Absorbing(SquareRootVP(), NUM_CATEGORIES)


def generators(num=NUM_SAMPLES, first=0):
    return Generators(range(first, first + num))


def law(samples):
    index = samples[:, 0] * NUM_CATEGORIES + samples[:, 1]
    return torch.bincount(index, minlength=len(STATES)).double() / len(samples)


def distance(samples):
    """Total variation from the data; by chance alone about 0.014 for 6,000 samples."""
    return float((law(samples) - PROBABILITIES).abs().sum() / 2)


def all_masked(num=NUM_SAMPLES):
    return torch.full((num, 2), MASKED.mask_state)


@pytest.mark.parametrize("order", ["random", "certain"])
def test_one_entry_a_step_is_exact(order):
    samples = Revealing(order).sample(
        exact_denoiser(MASKED), MASKED, uniform_grid(2), all_masked(), generators()
    )
    assert distance(samples) < 0.03


def test_without_a_budget_one_entry_is_revealed_a_step_and_nothing_is_lost():
    samples = EntropyBounded(0.0).sample(
        exact_denoiser(MASKED), MASKED, uniform_grid(9), all_masked(), generators()
    )
    assert distance(samples) < 0.03


def test_a_budget_reveals_together_what_is_certain_enough_and_takes_fewer_steps():
    largest = float(-torch.xlogy(PROBABILITIES.view(3, 3).sum(1), PROBABILITIES.view(3, 3).sum(1)).sum())
    for budget, num_steps in ((0.5, 2), (largest + 0.2, 1)):
        steps = []
        samples = EntropyBounded(budget).sample(
            exact_denoiser(MASKED), MASKED, uniform_grid(9), all_masked(), generators(), callback=steps.append
        )
        assert len(steps) == num_steps
        assert (distance(samples) < 0.03) == (num_steps == 2)


def test_the_last_step_of_a_budget_reveals_what_is_left_and_what_is_known_stays():
    x_1 = all_masked(50)
    x_1[:, 1] = 1
    samples = EntropyBounded(0.0).sample(exact_denoiser(MASKED), MASKED, uniform_grid(1), x_1, generators(50))
    assert (samples[:, 1] == 1).all()
    assert (samples < NUM_CATEGORIES).all()
    with pytest.raises(ValueError, match="at least 0"):
        EntropyBounded(-1.0)


def test_all_entries_in_one_step_lose_what_ties_them():
    samples = Revealing().sample(exact_denoiser(MASKED), MASKED, uniform_grid(1), all_masked(), generators())
    table = PROBABILITIES.view(3, 3)
    independent = (table.sum(1, keepdim=True) * table.sum(0)).flatten()
    assert float((law(samples) - independent).abs().sum() / 2) < 0.03
    assert distance(samples) > 0.2


@pytest.mark.parametrize(
    "process",
    [
        MASKED,
        Uniform(CosineVP(), NUM_CATEGORIES),
        Marginal(CosineVP(), torch.tensor([0.3, 0.45, 0.25], dtype=torch.float64)),
    ],
)
def test_many_ancestral_steps_draw_the_data(process):
    x_1 = process.noise((NUM_SAMPLES, 2), generators())
    samples = AncestralCategories().sample(
        exact_denoiser(process), process, uniform_grid(60), x_1, generators(first=10**6)
    )
    assert distance(samples) < 0.035


def test_what_is_known_stays_and_the_rest_follows_its_law():
    x_1 = all_masked()
    x_1[:, 0] = 2
    samples = Revealing().sample(exact_denoiser(MASKED), MASKED, uniform_grid(2), x_1, generators())
    assert (samples[:, 0] == 2).all()
    given = PROBABILITIES.view(3, 3)[2] / PROBABILITIES.view(3, 3)[2].sum()
    torch.testing.assert_close(law(samples)[6:], given, atol=0.025, rtol=0)


def test_a_sample_depends_on_its_generator_alone_not_on_mates_and_padding():
    alone = Revealing().sample(
        exact_denoiser(MASKED), MASKED, uniform_grid(2), all_masked(1), generators(1, first=7)
    )
    x_1 = torch.cat([all_masked(8), torch.zeros(8, 1, dtype=torch.long)], 1)
    mask = torch.tensor([True, True, False]).expand(8, 3)

    def padded(x_t, t):
        return torch.nn.functional.pad(exact_denoiser(MASKED)(x_t[:, :2], t), (0, 0, 0, 1))

    together = Revealing().sample(padded, MASKED, uniform_grid(2), x_1, generators(8), mask)
    assert together[7, :2].tolist() == alone[0].tolist()
    assert (together[:, 2] == 0).all()


def test_steps_that_reveal_nothing_cost_nothing():
    steps = []
    Revealing().sample(
        exact_denoiser(MASKED), MASKED, uniform_grid(50), all_masked(4), generators(4), callback=steps.append
    )
    assert steps[-1].num_evaluations == 2
    assert (steps[-1].x_t < NUM_CATEGORIES).all()


@pytest.mark.parametrize("solver", [Revealing(), AncestralCategories()])
def test_nan_stops_its_own_sample_alone(solver):
    def broken(x_t, t):
        logits = exact_denoiser(MASKED)(x_t, t)
        logits[1] = float("nan")
        return logits

    samples = solver.sample(broken, MASKED, uniform_grid(2), all_masked(3), generators(3))
    whole = solver.sample(exact_denoiser(MASKED), MASKED, uniform_grid(2), all_masked(3), generators(3))
    assert (samples[1] == -1).all()
    assert samples[[0, 2]].tolist() == whole[[0, 2]].tolist()


def test_categories_below_the_least_probability_are_left_out():
    samples = Revealing(min_probability=0.2).sample(
        exact_denoiser(MASKED), MASKED, uniform_grid(2), all_masked(), generators()
    )
    # Given a first entry of 0, the second is 2 with probability 1/6.
    assert law(samples)[2] < PROBABILITIES[2] / 2


def test_guidance_at_its_limits_and_its_sharpening():
    conditional = torch.tensor([0.7, 0.3, 0.0]).log().view(1, 1, 3)
    unconditional = torch.tensor([0.5, 0.25, 0.25]).log().view(1, 1, 3)
    with_, without = (lambda x, t, value=value: value for value in (conditional, unconditional))
    at = (torch.zeros(1, 1, dtype=torch.long), torch.zeros(1))
    assert classifier_free(with_, without, 0)(*at) is conditional
    assert classifier_free(with_, without, -1)(*at) is unconditional
    found = classifier_free(with_, without, 1.0)(*at).softmax(-1)[0, 0]
    expected = torch.tensor([0.49 / 0.5, 0.09 / 0.25, 0.0])
    torch.testing.assert_close(found, expected / expected.sum())


def test_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="AncestralCategories"):
        Revealing().sample(
            exact_denoiser(MASKED), Uniform(CosineVP(), 3), uniform_grid(2), all_masked(1), generators(1)
        )
    with pytest.raises(ValueError, match="falling"):
        Revealing().sample(
            exact_denoiser(MASKED), MASKED, torch.tensor([0.0, 1.0]), all_masked(1), generators(1)
        )
    with pytest.raises(ValueError, match="order"):
        Revealing("alphabetical")
