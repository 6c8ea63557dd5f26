"""Samples are cached, reproducible, of one law and refused when that law was not reached."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from molediff.particles import NotMixedError, PairPotential, System, load_samples
from molediff.particles.datasets import SPLITS, draw_samples, symmetrize
from molediff.particles.systems import SYSTEMS
from molediff.sampling.seeds import numbered_generator

COUNTS = {"train": 600, "validation": 300, "test": 300, "reference": 300}
SPRINGS = PairPotential(lambda r: 0.5 * r.square(), 3, 2)
SYSTEM = System(
    "springs",
    SPRINGS,
    num_leapfrog=2,
    thinning=4,
    burn_in=60,
    bridge_levels=3,
    bridge_chains=30,
    bridge_moves=500,
)


@pytest.fixture(scope="module", name="root")
def _root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module", name="samples")
def _samples(root):
    return load_samples(SYSTEM, root, num_samples=COUNTS, progress=False)


def test_sets_have_the_sizes_asked_for_and_no_centre_of_mass(samples):
    for split in SPLITS:
        positions = getattr(samples, split)
        assert positions.shape == (COUNTS[split], 3, 2)
        assert positions.dtype == np.float32
        np.testing.assert_allclose(positions.mean(1), 0, atol=1e-6)


def test_sets_share_no_configuration(samples):
    """The radius of gyration is the same however a configuration is turned or relabelled."""
    radii = [set((getattr(samples, split) ** 2).sum((1, 2)).round(5).tolist()) for split in SPLITS]
    assert len(radii[0] & radii[1]) < 5
    assert len(radii[2] & radii[3]) < 5


def test_the_floor_is_the_entropy_of_the_gaussian(samples):
    """Springs of stiffness 1 among 3 particles: variance 1/3 in 4 dimensions."""
    entropy = 2 * math.log(2 * math.pi * math.e / 3)
    floor = samples.facts["negative_log_likelihood_floor"]
    assert 0 < floor["standard_error"] < 0.2
    assert abs(floor["value"] - entropy) < 4 * floor["standard_error"]


def test_the_facts_hold_what_a_statistician_asks(samples, root):
    facts = samples.facts["sets"]["train"]
    assert max(facts["r_hat"].values()) <= 1.01
    assert abs(facts["virial"]["value"] - 4) < 4 * facts["virial"]["standard_error"]
    assert 0.5 < facts["acceptance"][0] < 0.9
    assert facts["autocorrelation_time_in_moves"]["energy"] >= 1
    assert json.loads((root / "particles" / "springs.json").read_text()) == samples.facts


def test_a_second_call_reads_the_cache(samples, root, monkeypatch):
    monkeypatch.setattr("molediff.particles.datasets.draw_samples", None)
    again = load_samples(SYSTEM, root, num_samples=COUNTS)
    np.testing.assert_array_equal(again.train, samples.train)
    assert again.facts == samples.facts


@pytest.mark.parametrize(
    ("system", "seed"),
    [(SYSTEM, 2), (replace(SYSTEM, energy=PairPotential(lambda r: 0.6 * r.square(), 3, 2)), 1)],
    ids=["seed", "energy"],
)
def test_another_seed_or_energy_does_not_read_the_cache(system, seed, samples, root, monkeypatch):
    def drawn(*_):
        raise InterruptedError

    monkeypatch.setattr("molediff.particles.datasets.draw_samples", drawn)
    with pytest.raises(InterruptedError):
        load_samples(system, root, seed=seed, num_samples=COUNTS, progress=False)


def test_draws_depend_on_the_generator_alone(samples):
    again, _ = draw_samples(SYSTEM, 300, numbered_generator(1, SPLITS.index("validation")))
    np.testing.assert_array_equal(again, samples.validation)
    assert np.abs(samples.test - samples.validation).max() > 0.1


def test_a_run_that_has_not_mixed_leaves_no_data(tmp_path):
    wells = PairPotential(lambda r: 30 * ((r - 3).square() - 1).square(), 2, 2)
    stuck = replace(SYSTEM, name="wells", energy=wells, std=2.0, num_draws=30, burn_in=20)
    with pytest.raises(NotMixedError, match="has not mixed"):
        load_samples(stuck, tmp_path, num_samples=COUNTS, progress=False)
    assert not list((tmp_path / "particles").glob("wells.[!l]*"))


def test_a_short_run_of_the_large_cluster_is_refused():
    short = replace(SYSTEMS["lj55"], burn_in=10, num_draws=8, thinning=1, num_leapfrog=4)
    with pytest.raises(NotMixedError, match="has not mixed"):
        draw_samples(short, 32, numbered_generator(1))


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="dw4, lj13, lj55"):
        load_samples("lj14")


def test_symmetrizing_turns_and_relabels_identical_particles():
    x = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = (x - x.mean(1, keepdim=True)).expand(400, 4, 3)
    moved = symmetrize(x, torch.Generator().manual_seed(1))
    assert moved.mean(0).abs().max() < 0.2  # every particle is everywhere
    torch.testing.assert_close(moved.norm(dim=2).sort(1).values, x.norm(dim=2).sort(1).values)
    hands = torch.linalg.det(moved[:, :3]).sign()
    assert 0.4 < (hands > 0).double().mean() < 0.6


def test_symmetrizing_keeps_the_labels_and_the_hand_of_a_molecule():
    x = torch.randn(50, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = x - x.mean(1, keepdim=True)
    moved = symmetrize(x, torch.Generator().manual_seed(1), identical=False)
    torch.testing.assert_close(moved.norm(dim=2), x.norm(dim=2))
    torch.testing.assert_close(torch.linalg.det(moved[:, :3]), torch.linalg.det(x[:, :3]))
    assert (moved - x).abs().max() > 0.5
