"""Noise spaces: normalized densities, projections, and independence of batch mates and padding."""

import math

import pytest
import torch
from core.exact import generators

from molediff.core.geometry.space import FullSpace, ZeroCentreOfMass

SPACES = [FullSpace(), ZeroCentreOfMass()]


def padded(sizes, width):
    return torch.arange(width)[None] < torch.tensor(sizes)[:, None]


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_a_sample_depends_on_its_generator_alone(space):
    """Alone, in a batch, with more padding: the same draws, to the rounding of the centre of mass."""
    sizes = [4, 7, 2]
    batch = space.sample((3, 9, 3), generators(3), padded(sizes, 9))
    for i, size in enumerate(sizes):
        alone = space.sample((1, size, 3), generators(1, first=i))
        tight = space.sample((1, size, 3), generators(1, first=i), padded([size], size))
        torch.testing.assert_close(batch[i, :size], alone[0], rtol=0, atol=1e-6)
        torch.testing.assert_close(tight, alone, rtol=0, atol=1e-6)
        assert (batch[i, size:] == 0).all()


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_covariance_is_the_projector(space):
    x = space.sample((8000, 3, 2), generators(8000), dtype=torch.float64)
    eye = torch.eye(3, dtype=torch.float64)
    projector = eye if space == FullSpace() else eye - 1 / 3
    covariance = torch.einsum("npd,nqd->pq", x, x) / 16000
    assert ((covariance - projector).abs() < 4 * (2 / 16000) ** 0.5).all()


def test_projection_is_idempotent_and_leaves_padding_zero():
    mask = padded([4, 2], 5)
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)).masked_fill(
        ~mask[..., None], math.nan
    )
    once = ZeroCentreOfMass().project(x, mask)
    torch.testing.assert_close(ZeroCentreOfMass().project(once, mask), once)
    assert (once[~mask] == 0).all()
    assert once.sum(1).abs().max() < 1e-6


def test_projection_agrees_with_and_without_mask():
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    every = torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(ZeroCentreOfMass().project(x), ZeroCentreOfMass().project(x, every))


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_log_prob_counts_the_dimensions_of_the_space(space):
    mask = padded([4, 2], 4)
    dims = torch.tensor([12, 6]) if space == FullSpace() else torch.tensor([9, 3])
    assert torch.equal(space.num_dimensions((2, 4, 3), mask), dims)
    at_zero = space.log_prob(torch.zeros(2, 4, 3, dtype=torch.float64), mask)
    torch.testing.assert_close(at_zero, -0.5 * math.log(2 * math.pi) * dims.double())


def test_density_of_two_points_on_a_line_integrates_to_one():
    """The subspace of two centred points in 1D is the line (y, -y) / sqrt(2): a unit normal in y."""
    y = torch.linspace(-8, 8, 2001, dtype=torch.float64)
    points = torch.stack([y, -y], 1)[..., None] / 2**0.5
    density = ZeroCentreOfMass().log_prob(points).exp()
    assert float(torch.trapezoid(density, y)) == pytest.approx(1, abs=1e-10)


def test_one_point_has_no_dimension_and_no_noise():
    x = ZeroCentreOfMass().sample((2, 1, 3), generators(2))
    assert (x == 0).all()
    assert (ZeroCentreOfMass().log_prob(x) == 0).all()


def test_wrong_number_of_generators_is_refused():
    with pytest.raises(ValueError, match="3 samples"):
        FullSpace().sample((3, 2), generators(2))
