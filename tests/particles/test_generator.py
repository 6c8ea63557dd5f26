import numpy as np
import pytest
import torch
from fake_generators import random_weights
from gaussian_particles import SCALE, KnowsTheNormal, entropy, exact_generator, springs

from molediff import ParticleGenerator
from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP, Straight
from molediff.core.target import Sample
from molediff.networks.pretrained import load_model
from molediff.networks.weights import save_weights

FINE = {"num_nodes": 24, "num_steps": 4}


@pytest.mark.parametrize("path", [CosineVP(), Straight()], ids=repr)
def test_the_density_of_exact_samples_is_that_of_their_system(path):
    """All weights are equal to 1 / Z: the noise left at t_min (0.1 %) is all that is wrong."""
    generator = exact_generator(0.6, path)
    x, density = generator.generate_with_log_prob(200, seed=3, **FINE)
    log_weights = -generator.energy.energy(x) - density
    log_z = entropy(0.6, 4) - 2  # <u> = D / 2
    np.testing.assert_allclose(log_weights, log_z, atol=1e-3)
    np.testing.assert_allclose(x.var(), 0.6**2 * 2 / 3, rtol=0.15)
    np.testing.assert_allclose(x.mean(1), 0, atol=1e-12)
    assert x.shape == (200, 3, 2)
    assert x.dtype == density.dtype == np.float64


def test_log_prob_agrees_with_the_density_that_samples_come_with():
    generator = exact_generator(0.6)
    x, density = generator.generate_with_log_prob(20, seed=3, **FINE)
    np.testing.assert_allclose(generator.log_prob(x + 5.0, **FINE), density, atol=1e-5)
    np.testing.assert_allclose(generator.generate(20, seed=3, **FINE), x, atol=1e-9)


def test_sample_i_does_not_depend_on_the_batch():
    generator = exact_generator(0.6)
    many = generator.generate(7, seed=3)
    np.testing.assert_allclose(generator.generate(5, seed=3, batch_size=2), many[:5], atol=1e-12)
    assert not np.allclose(generator.generate(7, seed=4), many)
    rest, _ = generator.generate_with_log_prob(3, seed=3, first=4)
    np.testing.assert_allclose(rest, many[4:], atol=1e-9)
    density = generator.log_prob(many)
    np.testing.assert_allclose(generator.log_prob(many, batch_size=3), density, atol=1e-9)


def test_a_trajectory_runs_from_noise_to_data():
    way = exact_generator(0.6).trajectory(2, seed=3, num_steps=30)
    assert way.x_t.shape == way.x_0_hat.shape == (30, 2, 3, 2)
    assert (np.diff(way.times) < 0).all()
    np.testing.assert_allclose(way.x_t[-1], way.x_0_hat[-1], atol=0.02)
    assert np.abs(way.x_t[0] - way.x_0_hat[0]).max() > 0.3


def test_bad_input_is_refused():
    generator = exact_generator(0.6)
    with pytest.raises(ValueError, match=r"\(n, 3, 2\); got shape \(4, 3, 3\)"):
        generator.log_prob(np.zeros((4, 3, 3)))
    with pytest.raises(ValueError, match="x must be an array of positions; got dict"):
        generator.log_prob({})
    with pytest.raises(ValueError, match="no configuration"):
        generator.log_prob(np.zeros((0, 3, 2)))
    x = np.ones((4, 3, 2))
    x[2, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"1 of 4 .* number 2"):
        generator.log_prob(x)
    for options, name in (
        ({"num_samples": 0}, "num_samples"),
        ({"seed": -1}, "seed"),
        ({"batch_size": 0}, "batch_size"),
        ({"num_nodes": 0}, "num_nodes"),
        ({"num_nodes": float("nan")}, "num_nodes"),
        ({"num_nodes": 1.5}, "num_nodes"),
        ({"num_steps": None}, "num_steps"),
    ):
        with pytest.raises(ValueError, match=name):
            generator.generate(**options)


def test_weights_of_something_else_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="lj14"):
        ParticleGenerator.from_pretrained("lj14")
    with pytest.raises(ValueError, match="Expected weights of a particle model; these are of conformers"):
        ParticleGenerator(random_weights(), energy=springs(0.6))
    model = exact_generator(0.6).model
    with pytest.raises(ValueError, match="name no particle system"):
        ParticleGenerator(model)
    with pytest.raises(ValueError, match="'water', which is not known"):
        ParticleGenerator(model, {"config": {"data": {"system": "water"}}})
    model = DiffusionModel(KnowsTheNormal(0.5), CosineVP(), Sample(), FullSpace(), SCALE)
    with pytest.raises(ValueError, match="FullSpace"):
        ParticleGenerator(model, energy=springs(0.6))


def test_weights_know_their_system(tmp_path):
    network = {
        "_target_": "molediff.networks.equivariant.EquivariantNetwork", "channels": 8, "vector_channels": 4,
        "pair_channels": 4, "num_blocks": 1, "num_heads": 2, "num_basis": 4, "chiral": False,
    }  # fmt: skip
    config = {
        "network": network,
        "path": {"_target_": "molediff.core.paths.cosine_vp.CosineVP"},
        "target": {"_target_": "molediff.core.target.V"},
        "space": {"_target_": "molediff.core.geometry.space.ZeroCentreOfMass"},
        "scale": 1.8,
        "data": {"system": "dw4"},
    }
    from molediff.core.geometry.space import ZeroCentreOfMass
    from molediff.core.target import V
    from molediff.networks.equivariant import EquivariantNetwork

    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = EquivariantNetwork(**{key: value for key, value in network.items() if key != "_target_"})
    file = tmp_path / "dw4.safetensors"
    save_weights(file, DiffusionModel(built, CosineVP(), V(), ZeroCentreOfMass(), 1.8), {"config": config})
    assert load_model(file)[0].scale == 1.8
    generator = ParticleGenerator.from_pretrained(file)
    x, density = generator.generate_with_log_prob(4, seed=1)
    assert x.shape == (4, 4, 2)
    turned = x[:, [2, 0, 3, 1]] * [1, -1] + 3
    np.testing.assert_allclose(generator.log_prob(turned), generator.log_prob(x), atol=2e-3)
    np.testing.assert_allclose(generator.log_prob(x), density, atol=0.05)
