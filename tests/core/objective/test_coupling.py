"""Couplings: Kabsch, Hungarian and minibatch optimal transport against brute force."""

import itertools

import pytest
import torch
from e3nn import o3

from molediff.core.geometry.kabsch import kabsch
from molediff.core.objective.coupling import (
    EquivalentPointAssignment,
    Independent,
    PermutationalAlignment,
    RotationalAlignment,
    Sequential,
)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def rotations(num, seed=0):
    """Uniform rotations from unit quaternions."""
    return o3.quaternion_to_matrix(torch.nn.functional.normalize(normal(num, 4, seed=seed), dim=1))


@pytest.mark.parametrize("num_points", [3, 4, 9])
def test_kabsch_finds_the_rotation(num_points):
    x, turn = normal(20, num_points, 3), rotations(20)
    shifted = x @ turn.mT + torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    torch.testing.assert_close(kabsch(x, shifted), turn)


def test_kabsch_float32_is_near_float64():
    x, y = normal(50, 9, 3), normal(50, 9, 3, seed=1)
    torch.testing.assert_close(kabsch(x.float(), y.float()).double(), kabsch(x, y), rtol=0, atol=1e-3)
    assert kabsch(x.float(), y.float()).dtype == torch.float32


def test_kabsch_is_best_among_many_rotations():
    x, y, others = normal(1, 6, 3), normal(1, 6, 3, seed=1), rotations(2000)
    x, y = x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True)
    distances = (x @ others.mT - y).square().sum((1, 2))
    best = (x @ kabsch(x, y).mT - y).square().sum()
    assert (best <= distances).all()


@pytest.mark.parametrize("name", ["plane", "line", "point", "mirror", "zero", "tiny", "huge"])
def test_kabsch_gives_proper_rotations_of_degenerate_sets(name):
    x, y = normal(4, 5, 3), normal(4, 5, 3, seed=1)
    match name:
        case "plane":
            x[..., 2] = 0
        case "line":
            x[..., 1:] = 0
        case "point":
            x, y = x[:, :1], y[:, :1]
        case "mirror":
            y = -x
        case "zero":
            x = torch.zeros_like(x)
        case "tiny":
            x = 1e-30 * x
        case "huge":
            x = 1e18 * x
    for dtype in (torch.float32, torch.float64):
        turn = kabsch(x.to(dtype), y.to(dtype)).double()
        torch.testing.assert_close(
            turn @ turn.mT, torch.eye(3, dtype=torch.float64).expand(4, 3, 3), rtol=0, atol=1e-5
        )
        torch.testing.assert_close(
            torch.linalg.det(turn), torch.ones(4, dtype=torch.float64), rtol=0, atol=1e-5
        )


def test_kabsch_ignores_padding_and_batch_mates():
    x, y = normal(2, 6, 3), normal(2, 6, 3, seed=1)
    mask = torch.tensor([[True] * 4 + [False] * 2, [True] * 6])
    batch = kabsch(x, y, mask)
    torch.testing.assert_close(batch[:1], kabsch(x[:1, :4], y[:1, :4]))
    torch.testing.assert_close(batch[1:], kabsch(x[1:], y[1:]))


def test_kabsch_survives_a_nan_batch_mate():
    x, y = normal(3, 5, 3), normal(3, 5, 3, seed=1)
    broken = x.clone()
    broken[1] = torch.nan
    torch.testing.assert_close(kabsch(broken, y)[[0, 2]], kabsch(x, y)[[0, 2]])


def test_kabsch_keeps_float32_under_autocast():
    x, y = normal(10, 9, 3).float(), normal(10, 9, 3, seed=1).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside, moved = kabsch(x, y), RotationalAlignment()(x, y)
    torch.testing.assert_close(inside, kabsch(x, y))
    torch.testing.assert_close(moved, RotationalAlignment()(x, y))


def test_alignment_brings_noise_nearer_and_is_equivariant():
    x, eps, turn = normal(100, 7, 3), normal(100, 7, 3, seed=1), rotations(100)
    x, eps = x - x.mean(1, keepdim=True), eps - eps.mean(1, keepdim=True)
    aligned = RotationalAlignment()(x, eps)
    assert ((aligned - eps).norm(dim=(1, 2)) < (x - eps).norm(dim=(1, 2))).all()
    # The noise's orientation alone decides: turning the data changes nothing, turning the noise turns the result.
    torch.testing.assert_close(RotationalAlignment()(x @ turn.mT, eps), aligned, rtol=0, atol=1e-5)
    torch.testing.assert_close(RotationalAlignment()(x, eps @ turn.mT), aligned @ turn.mT, rtol=0, atol=1e-5)


def test_permutation_is_the_best_of_all():
    x, eps = normal(3, 5, 2), normal(3, 5, 2, seed=1)
    found = (PermutationalAlignment()(x, eps) - eps).square().sum((1, 2))
    orders = list(itertools.permutations(range(5)))
    best = torch.stack([(x[:, list(order)] - eps).square().sum((1, 2)) for order in orders]).amin(0)
    torch.testing.assert_close(found, best)


def test_permutation_keeps_padding_in_place():
    x, eps = normal(2, 5, 3), normal(2, 5, 3, seed=1)
    mask = torch.tensor([[True, False, True, True, False], [True] * 5])
    x = x.masked_fill(~mask[..., None], 0)
    moved = PermutationalAlignment()(x, eps, mask)
    assert (moved[0, [1, 4]] == 0).all()
    torch.testing.assert_close(moved[0].sum(0), x[0].sum(0))


def test_couplings_in_turn_never_lose_to_the_first_alone():
    x, eps = normal(50, 6, 3), normal(50, 6, 3, seed=1)
    x, eps = x - x.mean(1, keepdim=True), eps - eps.mean(1, keepdim=True)
    distance = lambda coupling: (coupling(x, eps) - eps).square().sum((1, 2))  # noqa: E731
    independent, permuted = distance(Independent()), distance(PermutationalAlignment())
    both = distance(Sequential((PermutationalAlignment(), RotationalAlignment())))
    assert (permuted <= independent + 1e-12).all()
    assert (both <= permuted + 1e-12).all()


def test_equivalent_points_go_to_the_best_of_all_orders():
    x, eps = normal(3, 7, 3), normal(3, 7, 3, seed=1)
    equivalent = [torch.tensor([[0, 2], [7, 13], [15, 16]]), torch.tensor([[3, 5, 6], [8, 9, 12]])]
    paired = EquivalentPointAssignment(equivalent)(x, eps).flatten(0, 1)
    x, eps = x.flatten(0, 1), eps.flatten(0, 1)
    for places in [row for group in equivalent for row in group.tolist()]:
        orders = [x[list(order)] for order in itertools.permutations(places)]
        best = min(orders, key=lambda order: (order - eps[places]).square().sum())
        assert torch.equal(paired[places], best)
    rest = [i for i in range(21) if i not in {0, 2, 7, 13, 15, 16, 3, 5, 6, 8, 9, 12}]
    assert torch.equal(paired[rest], x[rest])


def test_without_equivalent_points_nothing_changes():
    x, eps = normal(2, 5, 3), normal(2, 5, 3, seed=1)
    assert torch.equal(EquivalentPointAssignment()(x, eps), x)


class Alike:
    """A condition under which the first two of three points of each sample are alike."""

    def equivalent_points(self, copies=1):
        return [3 * torch.arange(2 * copies)[:, None] + torch.tensor([0, 1])]

    def repeat(self, k):
        return self


def test_a_sequence_hands_the_equivalent_points_on():
    x, eps = normal(4, 3, 3), normal(4, 3, 3, seed=1)
    assignment = EquivalentPointAssignment()
    both = Sequential((assignment, RotationalAlignment())).for_condition(Alike(), 2)
    expected = RotationalAlignment()(assignment.for_condition(Alike(), 2)(x, eps), eps)
    assert torch.equal(both(x, eps), expected)
    assert not torch.equal(both(x, eps), RotationalAlignment()(x, eps))
    assert assignment.for_condition(None, 2) is assignment
