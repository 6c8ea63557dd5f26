"""The whole evaluation on particles on springs, whose model is exact."""

import json
import re

import numpy as np
import pytest
from gaussian_particles import entropy, exact_generator, springs

pytest.importorskip("ot")

from molediff.evaluation.particles import draws as particle_draws
from molediff.evaluation.particles.draws import draw, load_draws
from molediff.evaluation.particles.evaluate import ParticleSettings, evaluate_particles
from molediff.evaluation.particles.page import particle_metrics, particle_page
from molediff.evaluation.particles.plots import particle_plots
from molediff.particles.datasets import ParticleSamples

STD, NUM = 0.6, 400
SETTINGS = ParticleSettings(12, 10, (5.0, 2.0), 1.2, 1.0, 2)


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    sets = [rng.normal(0, STD, (NUM, 3, 2)) for _ in range(4)]
    log_z = entropy(STD, 4) - 2
    facts = {
        "sets": {"train": {"mean_energy": {"value": 2.0, "standard_error": 0.0, "unused": 1}}},
        "log_normalizer": {"value": log_z, "standard_error": 0.0},
        "negative_log_likelihood_floor": {"value": entropy(STD, 4), "standard_error": 0.0},
    }
    return ParticleSamples(*(x - x.mean(1, keepdims=True) for x in sets), facts)


def evaluation_of(generator, samples):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(particle_draws, "_generator", lambda weights, compiled: generator)
        draws = draw("any", [1, 2, 3], 100, samples.test[:90], 10, num_nodes=16, num_steps=2)
    return draws, evaluate_particles(generator, samples, draws, SETTINGS, {"weights": "exact"})


@pytest.fixture(scope="module")
def exact(samples):
    return evaluation_of(exact_generator(STD), samples)


def test_an_exact_model_reaches_every_floor(exact):
    _, found = exact
    figures = {name: figure.value for name, figure in found.figures.items()}
    assert figures["effective_sample_fraction"] == pytest.approx(1, abs=1e-4)
    assert figures["nll"] == pytest.approx(entropy(STD, 4), abs=2e-3)
    assert figures["log_normalizer"] == pytest.approx(entropy(STD, 4) - 2, abs=2e-3)
    assert figures["divergence"] == pytest.approx(0, abs=2e-3)
    assert figures["without_weight"] == 0
    assert figures["above_the_data"] < 0.05
    assert figures["quadrature_error_log_weight"] < 2e-3
    for name, floor in found.floors.items():
        assert figures[name] < floor.value + 6 * floor.standard_error + 0.05, name
    # -log of the mean of exp(u / 6): the free energy of every dimension falls by log(1.2) / 2
    assert figures["perturbation"] == pytest.approx(-2 * np.log(1.2), abs=0.1)
    assert found.truths["perturbation"].value == pytest.approx(-2 * np.log(1.2), abs=0.1)
    assert found.forces[1][0].cosine == pytest.approx(1, abs=1e-6)


def test_a_wrong_model_is_seen_and_reweighted(samples):
    _, found = evaluation_of(exact_generator(0.7, energy=springs(STD)), samples)
    figures = {name: figure.value for name, figure in found.figures.items()}
    assert figures["effective_sample_fraction"] < 0.9
    assert figures["nll"] > entropy(STD, 4) + 0.04
    assert abs(figures["mean_energy"] - 2) < abs(figures["raw_mean_energy"] - 2) - 0.4
    assert figures["energy_w1"] < figures["raw_energy_w1"] - 0.2
    assert figures["log_normalizer"] == pytest.approx(entropy(STD, 4) - 2, abs=0.1)


def test_draws_are_read_back_as_written(exact, tmp_path):
    draws, _ = exact
    draws.save(tmp_path / "draws.npz")
    back = load_draws(tmp_path / "draws.npz")
    np.testing.assert_array_equal(back.samples[2][0], draws.samples[2][0])
    np.testing.assert_array_equal(back.held_out, draws.held_out)
    assert back.processor_seconds == draws.processor_seconds
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(ValueError, match="no draws"):
        load_draws(tmp_path / "other.npz")


def test_the_report_is_whole_and_its_figures_are_strict_json(exact):
    _, found = exact
    plots = particle_plots(found, exact_generator(STD).trajectory(1, 0, 8))
    page = particle_page(found, "lj13", plots, "<img>")
    assert page.count("<svg") == 4
    assert "equivariant OT flow matching (Klein et al. 2023)" in page
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    text = json.dumps(particle_metrics(found), allow_nan=False)
    figures = json.loads(text)["figures"]
    assert figures["effective_sample_fraction"]["value"] == pytest.approx(1, abs=1e-4)
    assert figures["effective_share"] == figures["effective_sample_fraction"]  # the former key
