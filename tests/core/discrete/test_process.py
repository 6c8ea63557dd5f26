"""Processes on categories against matrix exponentials and Bayes' rule."""

import pytest
import torch

from molediff.core.discrete import Absorbing, CategoricalProcess, Marginal, Uniform
from molediff.core.discrete.process import draw, invert
from molediff.core.generators import Generators
from molediff.core.paths import CosineVP, LinearVP, SquareRootVP, Straight

PROCESSES = [
    CategoricalProcess(CosineVP(), torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)),
    Marginal(LinearVP(), torch.tensor([0.1, 0.1, 0.8], dtype=torch.float64)),
    Uniform(SquareRootVP(), 4),
    Absorbing(SquareRootVP(), 3),
    Absorbing(CosineVP(), 2),
]
TIMES = torch.tensor([0.1, 0.35, 0.8], dtype=torch.float64)


def exponential_of_rates(process, s, t, num_slices=2000):
    """exp of the integral of the generator beta (1 limit - identity): all generators commute, so slices add up."""
    grid = torch.linspace(s, t, num_slices + 1, dtype=torch.float64)
    middle = (grid[1:] + grid[:-1]) / 2
    integral = float((-2 * process.path.dlog_alpha_dt(middle) * grid.diff()).sum())
    size = process.num_states
    generator = process.limit.double().expand(size, size) - torch.eye(size, dtype=torch.float64)
    return torch.linalg.matrix_exp(integral * generator)


@pytest.mark.parametrize("process", PROCESSES)
def test_transitions_are_the_matrix_exponential_of_the_rates(process):
    found = process.transition(TIMES[0], TIMES[1])
    torch.testing.assert_close(found, exponential_of_rates(process, 0.1, 0.35), atol=1e-6, rtol=0)


@pytest.mark.parametrize("process", PROCESSES)
def test_transitions_compose(process):
    s, t, u = TIMES
    torch.testing.assert_close(process.transition(s, t) @ process.transition(t, u), process.transition(s, u))


@pytest.mark.parametrize("process", PROCESSES)
def test_marginals_are_the_transition_from_data(process):
    size = process.num_states
    x_0 = torch.arange(size).repeat(len(TIMES), 1)
    zero = torch.zeros_like(TIMES)
    torch.testing.assert_close(process.marginal(x_0, TIMES), process.transition(zero, TIMES))


@pytest.mark.parametrize("process", PROCESSES)
def test_the_log_odds_of_being_kept_are_twice_lambda(process):
    torch.testing.assert_close(process.kept(TIMES).logit(), 2 * process.path.lambda_(TIMES))


@pytest.mark.parametrize("process", PROCESSES)
def test_the_posterior_is_bayes_rule(process):
    s, t = TIMES[:1], TIMES[1:2]
    size = process.num_states
    to_s, onward = process.transition(torch.zeros_like(s), s)[0], process.transition(s, t)[0]
    for x_0 in range(size):
        for x_t in range(size):
            joint = to_s[x_0] * onward[:, x_t]
            if joint.sum() == 0:
                continue
            one_hot = torch.eye(size, dtype=torch.float64)[x_0].view(1, 1, -1)
            found = process.posterior(torch.tensor([[x_t]]), one_hot, s, t)[0, 0]
            torch.testing.assert_close(found, joint / joint.sum())


@pytest.mark.parametrize("process", PROCESSES)
def test_the_posterior_of_a_mixture_is_the_mixture_of_posteriors(process):
    s, t = TIMES[:1], TIMES[1:2]
    size = process.num_states
    weights = torch.rand(size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    if isinstance(process, Absorbing):
        weights[-1] = 0
    x_t = torch.tensor([[size - 1]])
    likelihood = process.transition(torch.zeros_like(t), t)[0][:, size - 1]
    given_x_t = weights * likelihood / (weights * likelihood).sum()
    rows = torch.eye(size, dtype=torch.float64).view(size, 1, 1, size)
    each = torch.stack([process.posterior(x_t, row, s, t)[0, 0] for row in rows])
    found = process.posterior(x_t, given_x_t.view(1, 1, -1), s, t)[0, 0]
    torch.testing.assert_close(found, (given_x_t[:, None] * each).sum(0))


def test_what_the_mask_has_not_taken_stays():
    process = Absorbing(SquareRootVP(), 3)
    wrong = torch.tensor([[[0.9, 0.1, 0.0, 0.0]]], dtype=torch.float64)  # the estimate says 0, the state is 2
    found = process.posterior(torch.tensor([[2]]), wrong, TIMES[:1], TIMES[1:2])
    assert found.tolist() == [[[0, 0, 1, 0]]]


def test_categories_are_drawn_as_often_as_they_are_probable():
    probabilities = torch.tensor([0.2, 0.0, 0.5, 0.3, 0.0]).expand(20000, 5)
    found = draw(probabilities, torch.Generator().manual_seed(0))
    shares = torch.bincount(found, minlength=5) / 20000
    torch.testing.assert_close(shares, probabilities[0], atol=0.012, rtol=0)
    assert shares[1] == shares[4] == 0


def test_a_category_of_probability_zero_is_not_drawn_at_the_ends():
    probabilities = torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    assert invert(probabilities, torch.tensor([0.0, 1.0])).tolist() == [1, 1]


def test_each_sample_has_its_own_random_numbers():
    process = Uniform(CosineVP(), 5)
    x_0, t = torch.zeros(3, 50, dtype=torch.long), torch.full((3,), 0.7)

    together = process.noised(x_0, t, Generators([1, 2, 3]))
    alone = process.noised(x_0[2:], t[2:], Generators([3]))
    assert together[2].tolist() == alone[0].tolist()
    assert together[0].tolist() != together[1].tolist()


def test_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="variance-preserving"):
        Uniform(Straight(), 3)
    with pytest.raises(ValueError, match="sum to 1"):
        CategoricalProcess(CosineVP(), torch.tensor([0.5, 0.2]))
