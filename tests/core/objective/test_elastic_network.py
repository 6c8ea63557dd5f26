"""Springs between near points: their energy against that of real springs, and what costs none."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from molediff.core.objective.elastic_network import ElasticNetwork
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.core.paths import CosineVP
from molediff.core.target import V

DTYPES = st.sampled_from([torch.float32, torch.float64])


def draw(seed, *shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def spring_energy(x, rest, reach):
    """sum_ij k_ij (|x_i - x_j| - |rest_i - rest_j|)^2 / N, for points (N, 3)."""
    now, then = torch.cdist(x, x), torch.cdist(rest, rest)
    return (torch.exp(-((then / reach) ** 2)) * (now - then) ** 2).sum() / len(x)


def test_small_displacements_have_the_energy_of_springs():
    rest, moved = draw(0, 6, 3), 1e-5 * draw(1, 6, 3)
    found = ElasticNetwork(reach=1.3, strength=1.0).energy(moved[None], rest[None])[0]
    assert float(found) == pytest.approx(float(spring_energy(rest + moved, rest, 1.3)), rel=1e-3)


def test_a_pair_that_is_stretched_by_hand():
    x = torch.tensor([[[0.0, 0.0, 0.0], [1.5, 0.0, 0.0]]])
    moved = torch.tensor([[[0.0, 0.0, 0.0], [0.1, 7.0, 0.0]]])  # across the bond is free
    energy = ElasticNetwork(reach=2.0, strength=0.25).energy(moved, x)
    assert float(energy) == pytest.approx(0.25 * math.exp(-(0.75**2)) * 0.01, rel=1e-5)


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 8), DTYPES)
def test_moving_and_turning_the_whole_costs_nothing(seed, num, dtype):
    x = draw(seed, 2, num, 3, dtype=dtype)
    axis = draw(seed + 1, 2, 1, 3, dtype=dtype)
    rigid = torch.linalg.cross(axis.expand_as(x), x) + axis
    assert ElasticNetwork().energy(rigid, x).abs().max() < (1e-8 if dtype == torch.float32 else 1e-18)


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 6), DTYPES)
def test_padding_and_batch_mates_do_not_matter(seed, num, dtype):
    x, moved = draw(seed, 2, num + 3, 3, dtype=dtype), draw(seed + 1, 2, num + 3, 3, dtype=dtype)
    mask = torch.arange(num + 3) < torch.tensor([[num], [num + 3]])
    found = ElasticNetwork().energy(moved, x, mask)
    torch.testing.assert_close(found[0], ElasticNetwork().energy(moved[:1, :num], x[:1, :num])[0])
    torch.testing.assert_close(found[1], ElasticNetwork().energy(moved[1:], x[1:])[0])


def test_the_unit_of_length_only_scales():
    x, moved = draw(0, 1, 5, 3), draw(1, 1, 5, 3)
    in_angstrom = ElasticNetwork(reach=2.0).energy(1.4 * moved, 1.4 * x)
    torch.testing.assert_close(ElasticNetwork(2.0, length_scale=1.4).energy(moved, x) * 1.4**2, in_angstrom)


@pytest.mark.parametrize("wrong", [{"reach": 0.0}, {"strength": -1.0}, {"length_scale": 0.0}])
def test_springs_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="positive reach"):
        ElasticNetwork(**wrong)


@settings(deadline=None)
@given(st.floats(0.05, 0.95), st.integers(0, 2**31))
def test_the_objective_adds_the_energy_of_its_error(t, seed):
    path, elastic = CosineVP(), ElasticNetwork()
    x_0, eps, pred = draw(seed, 3, 4, 5, 3)
    time = torch.full((4,), t, dtype=torch.float64)
    plain = DenoisingScoreMatching(path, V()).loss(pred, x_0, eps, time)
    both = DenoisingScoreMatching(path, V(), elastic=elastic).loss(pred, x_0, eps, time)
    weight = DenoisingScoreMatching(path, V()).target_weight(time)
    a, b = V().coefficients(path, time)
    error = pred - a[:, None, None] * x_0 - b[:, None, None] * eps
    torch.testing.assert_close(both - plain, weight * elastic.energy(error, x_0), rtol=1e-6, atol=1e-9)
