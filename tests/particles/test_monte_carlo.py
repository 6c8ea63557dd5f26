"""The sampler and log Z against systems that can be integrated: springs in closed form, a pair by quadrature."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from molediff.particles import DoubleWell, LennardJones, PairPotential, dw4, lj13, lj55
from molediff.particles.diagnostics import split_r_hat, standard_error
from molediff.particles.free_energy import bennett, log_normalizer
from molediff.particles.ladder import Ladder
from molediff.particles.monte_carlo import TARGET_ACCEPTANCE, Run, Sampler, Settings
from molediff.sampling.seeds import numbered_generator

STIFFNESS = 0.8
# Springs between all pairs: 1/2 k sum over pairs of r^2 = 1/2 k N |x|^2, a Gaussian of variance 1 / (k N).
SPRINGS = PairPotential(lambda r: 0.5 * STIFFNESS * r.square(), 5, 2)
VARIANCE = 1 / (5 * STIFFNESS)


def draw(energy, ladder=None, seed=1, **settings) -> Run:
    counts = {"num_chains": 100, "num_draws": 50, "thinning": 4, "burn_in": 100, "num_leapfrog": 3} | settings
    return Sampler(energy, ladder or Ladder(), Settings(**counts), numbered_generator(seed)).run()


def agrees(values, expected, num_errors=4.0):
    """Whether the mean of (num_chains, ...) is the expected one within its standard error, which must be small."""
    error = standard_error(values)
    assert error < 0.15 * abs(expected)
    return abs(values.mean() - expected) < num_errors * error


def pair_integrals(energy):
    """log Z and mean energy of two particles: y = (x_1 - x_2) / sqrt(2) has all the density, r = sqrt(2) |y|."""
    dimensions = energy.num_dimensions
    surface = 2 * math.pi ** (dimensions / 2) / math.gamma(dimensions / 2)

    def reduced(radius):
        x = np.zeros((1, 2, dimensions))
        x[0, :, 0] = radius / math.sqrt(2), -radius / math.sqrt(2)
        return float(energy.energy(x)[0])

    def weighted(radius, power):
        u = reduced(radius)
        return 0.0 if u > 500 else surface * radius ** (dimensions - 1) * math.exp(-u) * u**power

    z, mean = (quad(weighted, 0.3, 9, args=(power,), limit=400)[0] for power in (0, 1))
    return math.log(z), mean / z


@pytest.mark.parametrize("num_leapfrog", [1, 3])
def test_moments_of_springs(num_leapfrog):
    run = draw(SPRINGS, num_leapfrog=num_leapfrog, thinning=10)
    assert agrees((run.positions**2).sum((2, 3)), 8 * VARIANCE)
    assert agrees((run.positions**2).sum((2, 3)) ** 2, 80 * VARIANCE**2)
    assert agrees(run.traces["energy"], 4.0)


def test_draws_have_no_centre_of_mass():
    np.testing.assert_allclose(draw(SPRINGS, num_draws=3).positions.mean(2), 0, atol=1e-14)


@pytest.mark.parametrize("energy", [DoubleWell(2), LennardJones(2)], ids=["double well", "lennard-jones"])
def test_mean_energy_and_log_z_of_a_pair_by_quadrature(energy):
    log_z, mean = pair_integrals(energy)
    ladder = Ladder.bridge(2.0 if energy.num_dimensions == 2 else 1.0, 6)
    run = draw(
        energy, ladder, num_chains=150, num_draws=1, thinning=150, num_leapfrog=4, initial_std=ladder.std
    )
    assert agrees(run.traces["energy"], mean)
    estimate = log_normalizer(run, ladder, energy.degrees_of_freedom)
    assert estimate.standard_error < 0.04
    assert abs(estimate.value - log_z) < 4 * estimate.standard_error


def test_log_z_of_springs_is_that_of_a_gaussian():
    ladder = Ladder.bridge(1.0, 5, power=1.0)
    run = draw(SPRINGS, ladder, num_draws=1, thinning=100)
    estimate = log_normalizer(run, ladder, SPRINGS.degrees_of_freedom)
    assert 0 < estimate.standard_error < 0.04
    assert abs(estimate.value - 4 * math.log(2 * math.pi * VARIANCE)) < 4 * estimate.standard_error


def test_bennett_on_two_gaussians_with_samples_of_infinite_energy():
    """Half of the second law's samples are outside of the first, a Gaussian cut at 0: log Z_0 - log Z_1 = -log 2."""
    random = np.random.default_rng(0)
    other = np.where(random.normal(size=40_000) > 0, 0.0, np.inf)
    assert bennett(np.zeros(40_000), other) == pytest.approx(-math.log(2), abs=0.02)


def test_a_ladder_that_does_not_end_in_the_gaussian_gives_no_log_z():
    ladder = Ladder.temperatures(1.0, 2.0)
    with pytest.raises(ValueError, match=r"Ladder\.bridge"):
        log_normalizer(draw(SPRINGS, ladder, num_draws=2), ladder, 8)


def test_every_temperature_has_its_own_mean_energy():
    run = draw(SPRINGS, Ladder.temperatures(1.0, 1.5, 2.5))
    for level, temperature in enumerate((1.0, 1.5, 2.5)):
        assert agrees(run.energy[level], 4 * temperature)
    assert (run.swap_rates > 0.3).all()


def test_tempering_mixes_what_is_stuck_at_one_temperature():
    wells = PairPotential(lambda r: 12 * ((r - 3).square() - 1).square(), 2, 2)
    alone, tempered = (
        draw(wells, ladder, num_chains=20, num_draws=100, thinning=2, initial_std=2.0)
        for ladder in (Ladder(), Ladder.temperatures(1.0, 2.0, 4.0, 8.0))
    )
    assert split_r_hat(alone.traces["longest_distance"]) > 1.3
    assert split_r_hat(tempered.traces["longest_distance"]) < 1.08


@pytest.mark.parametrize(
    ("energy", "settings"),
    [
        (dw4, {"initial_std": 2.0, "num_chains": 64}),
        (lj13, {"num_leapfrog": 12, "num_chains": 64}),
        (lj55, {"num_leapfrog": 12, "num_chains": 12, "num_draws": 25, "burn_in": 60, "initial_std": 2.0}),
    ],
)
def test_the_virial_is_the_number_of_dimensions(energy, settings):
    run = draw(energy, **settings)
    x = torch.from_numpy(run.positions)
    virial = -(x * energy.force(x.flatten(0, 1)).view(x.shape)).sum((2, 3)).numpy()
    assert agrees(virial, energy.degrees_of_freedom)


def test_steps_adapt_to_the_target_in_burn_in_and_stay_after_it():
    run = draw(lj13, num_chains=50, num_draws=40, thinning=2, num_leapfrog=4)
    assert run.acceptance[0] == pytest.approx(TARGET_ACCEPTANCE, abs=0.06)
    longer = draw(lj13, num_chains=50, num_draws=5, thinning=2, num_leapfrog=4)
    np.testing.assert_array_equal(run.step_sizes, longer.step_sizes)


def test_equal_seeds_give_equal_runs_and_others_do_not():
    first, again, other = (draw(dw4, seed=seed, num_draws=3).positions for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).min() > 0


def test_a_potential_that_returns_nan_is_said():
    hole = PairPotential(lambda r: torch.where(r < 0.5, torch.nan, r.square()), 3, 2)
    with pytest.raises(ValueError, match=r"returned NaN for .* configurations with finite coordinates"):
        draw(hole)


def test_a_ladder_starts_with_the_system():
    with pytest.raises(ValueError, match="starts with the system"):
        Ladder.temperatures(2.0, 3.0)
