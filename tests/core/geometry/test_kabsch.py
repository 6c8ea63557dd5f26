"""Rotations by quaternions, which a GPU works off without waiting, against those by singular values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from molediff.core.geometry.kabsch import by_quaternions, by_singular_values

MIRROR, HALF_TURN = torch.tensor([1.0, 1.0, -1.0]), torch.tensor([1.0, -1.0, -1.0])


def points(num=300, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num, 7, 3, generator=generator, dtype=torch.float64)


def covariance(x, y):
    product = y.mT @ (x - x.mean(1, keepdim=True))
    return product / product.abs().amax((1, 2), keepdim=True).clamp(min=1e-300)


PAIRS = {
    "points": (points(), points(seed=1)),
    "planes": (points() * torch.tensor([1.0, 1.0, 0.0]), points(seed=1) * torch.tensor([0.0, 1.0, 1.0])),
    "lines": (points() * torch.tensor([1.0, 0.0, 0.0]), points(seed=1)),
    "mirror images": (points(), points() * MIRROR),
    "half a turn": (points(), points() * HALF_TURN),
    "nothing to do": (points(), points()),
    "one place": (points() * 0, points(seed=1)),
    "octahedra turned inside out": (
        torch.cat([torch.eye(3), -torch.eye(3)]).double()[None],
        -torch.cat([torch.eye(3), -torch.eye(3)]).double()[None],
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 5e-6)])
def test_no_rotation_is_better_and_all_are_proper(name, dtype, tolerance):
    asked = covariance(*PAIRS[name])
    found, best = by_quaternions(asked.to(dtype)).double(), by_singular_values(asked)
    torch.testing.assert_close(
        (found * asked).sum((1, 2)), (best * asked).sum((1, 2)), rtol=0, atol=tolerance
    )
    one = torch.eye(3, dtype=torch.float64).expand_as(found)
    torch.testing.assert_close(found @ found.mT, one, rtol=0, atol=tolerance)
    assert (torch.linalg.det(found) > 0).all()


def test_where_one_rotation_is_best_both_find_it():
    asked = covariance(*PAIRS["points"])
    torch.testing.assert_close(by_quaternions(asked), by_singular_values(asked), rtol=0, atol=1e-10)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=9, max_size=9))
def test_any_matrix_gets_a_rotation_of_largest_trace(entries):
    asked = torch.tensor(entries, dtype=torch.float64).view(1, 3, 3)
    found, best = by_quaternions(asked), by_singular_values(asked)
    assert float(((best - found) * asked).sum()) < 1e-6 * float(asked.abs().sum() + 1e-12)
    assert float(torch.linalg.det(found)) == pytest.approx(1)
