"""Energies against hand-made values, finite differences, symmetries and each other's types."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from molediff.particles import DoubleWell, LennardJones, PairPotential, dw4, lj13, lj55
from molediff.particles.energies import pair_distances

# Written with inf - inf in mind, and without a derivative: autograd's is used.
MORSE = PairPotential(lambda r: 3 * (1 - torch.exp(1 - r)).square(), 5, 3, confinement=0.5)
SYSTEMS = {"dw4": dw4, "lj13": lj13, "lj55": lj55, "morse": MORSE}


@pytest.fixture(params=SYSTEMS, name="system")
def _system(request):
    return SYSTEMS[request.param]


def spread(system, num, seed=0, dtype=torch.float64):
    """Configurations without close contacts: a shaken grid, about a pair minimum wide."""
    side = np.arange(4.0)
    grid = np.stack(np.meshgrid(*[side] * system.num_dimensions), -1).reshape(-1, system.num_dimensions)
    random = np.random.default_rng(seed)
    scale = 3.0 if system.num_dimensions == 2 else 1.1
    x = scale * grid[: system.num_particles] + random.uniform(
        -0.15, 0.15, (num, system.num_particles, system.num_dimensions)
    )
    return torch.from_numpy(x).to(dtype)


def at_distance(system, r):
    x = torch.zeros(1, 2, system.num_dimensions, dtype=torch.float64)
    x[0, 1, 0] = r
    return system.energy(x).item()


@pytest.mark.parametrize(
    ("r", "expected"), [(4.0, 0.0), (5.0, -3.1), (4 - (20 / 9) ** 0.5, -40 / 9), (0.0, 166.4)]
)
def test_double_well_of_a_pair(r, expected):
    assert at_distance(DoubleWell(2), r) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("r", "expected"), [(1.0, -2 + 0.25), (2 ** (-1 / 6), 0.25 * 2 ** (-1 / 3)), (2.0, 1 - 127 / 2048)]
)
def test_lennard_jones_of_a_pair_is_bound_by_two_kt(r, expected):
    assert at_distance(LennardJones(2), r) == pytest.approx(expected, abs=1e-12)


def test_lj13_in_the_convention_of_klein_sums_each_pair_twice():
    x = spread(lj13, 1)[0].numpy()
    pairs = sum(
        np.linalg.norm(x[i] - x[j]) ** -12 - 2 * np.linalg.norm(x[i] - x[j]) ** -6
        for i in range(13)
        for j in range(13)
        if i != j
    )
    trap = 0.5 * ((x - x.mean(0)) ** 2).sum()
    assert lj13.energy(x[None])[0] == pytest.approx(pairs + trap, rel=1e-12)


def test_degrees_of_freedom_are_those_without_the_centre_of_mass():
    assert (dw4.degrees_of_freedom, lj13.degrees_of_freedom, lj55.degrees_of_freedom) == (6, 36, 162)


def test_forces_against_finite_differences(system):
    x = spread(system, 3)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=x.dtype)
    step = 1e-5
    difference = (system.energy(x + step * direction) - system.energy(x - step * direction)) / (2 * step)
    along = -(system.force(x) * direction).sum((1, 2))
    torch.testing.assert_close(along, difference, rtol=1e-6, atol=1e-6)


def test_autograd_of_the_energy_is_the_force(system):
    x = spread(system, 3).requires_grad_(True)
    (gradient,) = torch.autograd.grad(system.energy(x).sum(), x)
    torch.testing.assert_close(gradient, -system.force(x), rtol=1e-10, atol=1e-10)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("name", SYSTEMS)
def test_energies_do_not_change_under_motions_reflections_and_relabelling(name, seed):
    system = SYSTEMS[name]
    x = spread(system, 2, seed)
    random = np.random.default_rng(seed)
    turn = torch.from_numpy(np.linalg.qr(random.normal(size=(x.shape[2],) * 2))[0])
    order = random.permutation(x.shape[1])
    moved = x[:, order] @ turn + torch.from_numpy(random.normal(size=x.shape[2]))
    torch.testing.assert_close(system.energy(moved), system.energy(x), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(system.force(moved), system.force(x)[:, order] @ turn, rtol=1e-8, atol=1e-8)


def test_float32_agrees_with_float64(system):
    x = spread(system, 4)
    torch.testing.assert_close(system.energy(x.float()).double(), system.energy(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_in_arrays_out(system, dtype):
    x = spread(system, 2).numpy().astype(dtype)
    energy, force = system.energy(x), system.force(x)
    assert isinstance(energy, np.ndarray)
    assert isinstance(force, np.ndarray)
    assert (energy.dtype, force.dtype) == (dtype, dtype)
    np.testing.assert_array_equal(energy, system.energy(torch.from_numpy(x)).numpy())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("distance", [0.0, 1e-30])
def test_overlapping_particles_have_infinite_energy_and_no_force(dtype, distance):
    x = spread(lj13, 2, dtype=dtype)
    x[1, 4] = x[1, 7]
    x[1, 4, 0] += distance
    energy = lj13.energy(x)
    assert energy[0].isfinite()
    assert energy[1] == torch.inf
    with pytest.raises(ValueError, match=r"1 of 2 configurations \(the first is number 1\)"):
        lj13.force(x)


def test_a_bounded_potential_has_a_force_where_particles_meet():
    assert np.isfinite(dw4.force(np.zeros((1, 4, 2)))).all()


@pytest.mark.parametrize("shape", [(13, 3), (2, 12, 3), (2, 13, 2)])
def test_a_wrong_shape_is_named(shape):
    with pytest.raises(ValueError, match=r"shape \(n, 13, 3\)"):
        lj13.energy(np.zeros(shape))


def test_integers_are_refused():
    with pytest.raises(ValueError, match="floating-point"):
        dw4.energy(np.zeros((1, 4, 2), dtype=np.int64))


def test_one_particle_is_no_system():
    with pytest.raises(ValueError, match="at least 2 particles"):
        LennardJones(1)


def test_pair_distances_come_in_the_order_of_triu_indices():
    x = torch.tensor([[[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]])
    torch.testing.assert_close(pair_distances(x), torch.tensor([[5.0, 1.0, 18**0.5]]))
