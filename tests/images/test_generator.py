import math

import numpy as np
import pytest
import torch
from gaussian_images import (
    MEANS,
    NUM_LEVELS,
    SCALE,
    SHAPE,
    Blocks,
    GaussianNetwork,
    gaussian_generator,
    some_images,
)

import molediff.images
from molediff.images.generator import ImageGenerator
from molediff.sampling.options import SOLVERS
from molediff.sampling.seeds import numbered_generators

# Drawing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_images_have_the_means_of_their_labels(solver):
    images = gaussian_generator().generate(60, label=[0, 1, 2] * 20, seed=1, solver=solver, num_steps=50)
    assert images.dtype == np.float32
    assert images.shape == (60, 4, 4, 1)
    assert set(np.unique(np.rint(images * (NUM_LEVELS - 1)))) <= set(range(NUM_LEVELS))
    found = images.reshape(20, 3, -1).mean((0, 2))
    expected = 0.5 + 0.5 * SCALE * np.array(MEANS)  # snapping is even about the middle
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_no_label_is_the_unconditional_model():
    generator = gaussian_generator()
    free = generator.generate(100, label=None)
    assert free.mean() == pytest.approx(0.5 + 0.5 * SCALE * 0.3, abs=0.02)
    np.testing.assert_array_equal(generator.generate(5, label=2, guidance=-1.0), free[:5])


def test_guidance_goes_beyond_the_label():
    """(1 + w) conditional - w unconditional moves the mean of class 2 by w (0.8 - 0.3)."""
    images = gaussian_generator().generate(100, label=2, guidance=0.6)
    assert images.mean() == pytest.approx(0.5 + 0.5 * SCALE * (0.8 + 0.6 * 0.5), abs=0.02)


@pytest.mark.parametrize("solver", ["dpmpp_2m", "ancestral"])
def test_an_image_does_not_depend_on_the_others(solver):
    generator = gaussian_generator()
    options = {"seed": 3, "solver": solver, "num_steps": 6}
    all_at_once = generator.generate(7, label=[0, 1, 2, None, 0, 1, 2], **options)
    assert generator.model.diffusion.network.largest_batch == 7
    network = GaussianNetwork()
    in_parts = gaussian_generator(network).generate(
        7, label=[0, 1, 2, None, 0, 1, 2], batch_size=3, **options
    )
    assert network.largest_batch == 3
    np.testing.assert_array_equal(in_parts, all_at_once)
    np.testing.assert_array_equal(generator.generate(2, label=[0, 1], **options), all_at_once[:2])
    assert not np.array_equal(generator.generate(7, label=0, **{**options, "seed": 4}), all_at_once)


def test_global_random_state_is_left_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    gaussian_generator().generate(2, solver="ancestral", num_steps=3)
    assert torch.equal(torch.get_rng_state(), state)


def test_classes_have_names():
    generator = gaussian_generator(class_names=("dark", "grey", "light"))
    np.testing.assert_array_equal(generator.generate(2, label="light"), generator.generate(2, label=2))
    with pytest.raises(ValueError, match="names 'dark', 'grey', 'light'; got 'blue'"):
        generator.generate(2, label="blue")


def test_trajectory_ends_where_generate_does():
    generator = gaussian_generator()
    film = generator.trajectory(3, label=1, num_steps=8)
    np.testing.assert_array_equal(film.images, generator.generate(3, label=1, num_steps=8))
    assert film.x_t.shape == film.x_0_hat.shape == (8, 3, 4, 4, 1)
    assert (np.diff(film.times) < 0).all()
    assert film.x_t.min() >= 0
    assert film.x_t.max() <= 1


# Likelihood, latents ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_probes", [2, None])
@pytest.mark.parametrize("label", [None, 2])
def test_log_prob_is_that_of_the_normal_in_the_bins(num_probes, label):
    """A Gaussian's Jacobian is a multiple of one, for which even two random probes are exact."""
    generator = gaussian_generator(GaussianNetwork(variance=0.3))
    images = some_images(3)
    found = generator.log_prob(images, label=label, seed=5, num_probes=num_probes)
    mean = 0.3 if label is None else MEANS[label]
    states = generator.model.states(images, numbered_generators(5, range(3)))
    normal = torch.distributions.Normal(mean, math.sqrt(0.3))
    density = normal.log_prob(states).flatten(1).sum(1) + 16 * math.log(2 / NUM_LEVELS / SCALE)
    np.testing.assert_allclose(found, density, atol=0.05)
    np.testing.assert_allclose(
        generator.bits_per_dimension(images, label=label, seed=5, num_probes=num_probes),
        -found / 16 / math.log(2),
    )


def test_bound_is_below_the_probability_of_the_bins():
    generator = gaussian_generator(GaussianNetwork(variance=0.3))
    levels = np.full((400, 4, 4, 1), 9)
    bound = generator.log_prob(levels / (NUM_LEVELS - 1.0), num_steps=10)
    edges = (2 * torch.tensor([9.0, 10.0]) / NUM_LEVELS - 1) / SCALE
    below, above = torch.distributions.Normal(0.3, math.sqrt(0.3)).cdf(edges)
    exact = 16 * math.log(float(above - below))
    assert bound.mean() < exact
    assert bound.mean() == pytest.approx(exact, abs=0.1)


def test_encoded_images_are_noise_and_decode_to_themselves():
    generator = gaussian_generator()
    images = generator.generate(40, label=1, num_steps=30)
    latents = generator.encode(images, label=1)
    assert latents.shape == (40, *SHAPE)
    assert latents.dtype == np.float32
    assert latents.std() == pytest.approx(1, abs=0.05)
    decoded = generator.decode(latents, label=1)
    assert (decoded == images).mean() > 0.99  # a value on the edge of its bin may go either way
    np.testing.assert_allclose(decoded, images, atol=1.01 / (NUM_LEVELS - 1))


def test_interpolation_goes_from_one_image_to_the_other():
    generator = gaussian_generator()
    a, b = generator.generate(2, label=[0, 2])
    way = generator.interpolate(a, b, num_images=5)
    assert way.shape == (5, 4, 4, 1)
    np.testing.assert_allclose(way[[0, -1]], [a, b], atol=1.01 / (NUM_LEVELS - 1))
    assert (np.diff(way.mean((1, 2, 3))) > 0).all()


# Inpainting -------------------------------------------------------------------------------------------------------


def test_inpainting_keeps_known_pixels_and_draws_the_rest():
    generator = gaussian_generator()
    images = some_images(30)
    mask = np.zeros((4, 4), dtype=bool)
    mask[:, :2] = True
    filled = generator.inpaint(images, mask, label=0, num_steps=10, num_repeats=2)
    np.testing.assert_array_equal(filled[:, :, :2], images[:, :, :2])
    assert filled[:, :, 2:].mean() == pytest.approx(0.5 + 0.5 * SCALE * MEANS[0], abs=0.03)
    np.testing.assert_array_equal(
        generator.inpaint(images[:3], np.broadcast_to(mask, (3, 4, 4)), label=0, num_steps=10, num_repeats=2),
        filled[:3],
    )


def test_inpainting_what_is_all_known_changes_nothing():
    images = some_images(2)
    np.testing.assert_array_equal(
        gaussian_generator().inpaint(images, np.ones((4, 4), bool), num_steps=3), images
    )


# Latent models ----------------------------------------------------------------------------------------------------


def test_latent_model_makes_images_by_its_decoder():
    generator = gaussian_generator(Blocks(), size=8)
    images = generator.generate(20, label=2)
    assert images.shape == (20, 8, 8, 1)
    np.testing.assert_array_equal(images[:, ::2, ::2], images[:, 1::2, 1::2])
    decoded = generator.decode(generator.encode(images, label=2), label=2)
    np.testing.assert_allclose(decoded, images, atol=1.01 / (NUM_LEVELS - 1))
    mask = np.zeros((8, 8), dtype=bool)
    mask[:3] = True
    filled = generator.inpaint(images, mask, label=0, num_steps=5, num_repeats=1)
    np.testing.assert_array_equal(filled[:, :3], images[:, :3])
    assert filled[:, 3:].mean() < images[:, 3:].mean()
    assert generator.model.known_states(mask[None])[0, 0, :, 0].tolist() == [True, False, False, False]
    with pytest.raises(ValueError, match="density of latents"):
        generator.log_prob(images)


# Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": 3}, r"label must be None, 0 to 2; got 3"),
        ({"label": -1}, "got -1"),
        ({"label": True}, "got True"),
        ({"label": [0, 1, 2]}, "label has 3 entries for 4 images"),
        ({"guidance": 2.0}, "guidance=2.0 needs a label"),
        ({"label": 1, "guidance": -2.0}, "at least -1"),
        ({"label": 1, "guidance": float("nan")}, "at least -1"),
        ({"num_images": 0}, "num_images must be a whole number of at least 1; got 0"),
        ({"seed": -1}, "seed"),
        ({"num_steps": 0}, "num_steps"),
        ({"solver": "magic"}, "solver must be one of dpmpp_2m"),
        ({"grid": "magic"}, "grid"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_options_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        gaussian_generator().generate(**{"num_images": 4, **arguments})


def test_weights_without_labels_take_no_label_and_no_guidance():
    generator = gaussian_generator(GaussianNetwork(num_classes=0))
    assert generator.generate(2).shape == (2, 4, 4, 1)
    with pytest.raises(ValueError, match="trained without labels, so that label must be None; got 1"):
        generator.generate(2, label=1)
    with pytest.raises(ValueError, match=r"guidance=1.0, but these weights were trained without labels"):
        generator.generate(2, guidance=1.0)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((2, 5, 4, 1), np.float32),
            r"images must have the shape \(n, 4, 4, 1\).*got \(2, 5, 4, 1\)",
        ),
        (np.zeros((4, 4, 1), np.float32), "got"),
        (np.zeros((0, 4, 4, 1), np.float32), "got"),
        (np.zeros((1, 4, 4, 1), np.uint8), "floating-point numbers"),
        (np.full((1, 4, 4, 1), 1.5), "lie in"),
        (np.full((1, 4, 4, 1), np.nan), "lie in"),
    ],
)
@pytest.mark.parametrize("method", ["log_prob", "encode", "inpaint"])
def test_images_that_are_none(method, images, message):
    arguments = [np.ones((4, 4), dtype=bool)] if method == "inpaint" else []
    with pytest.raises(ValueError, match=message):
        getattr(gaussian_generator(), method)(images, *arguments)


def test_masks_and_latents_that_do_not_fit():
    generator, images = gaussian_generator(), some_images(2)
    with pytest.raises(ValueError, match="mask must be boolean"):
        generator.inpaint(images, np.ones((4, 4)))
    with pytest.raises(ValueError, match="mask must have the shape"):
        generator.inpaint(images, np.ones((4, 5), dtype=bool))
    with pytest.raises(ValueError, match="latents must have the shape"):
        generator.decode(np.zeros((2, 4, 4, 1)))
    with pytest.raises(ValueError, match="latents must be an array of numbers; got dict"):
        generator.decode({})
    with pytest.raises(ValueError, match=r"image_b must have the shape"):
        generator.interpolate(images[0], images)


def test_weights_of_molecules_are_refused():
    with pytest.raises(ValueError, match="Expected weights of an image model; these are of conformers"):
        ImageGenerator.from_pretrained("qm9")


@pytest.mark.parametrize("metadata", [None, {}, {"split": "test"}, {"split": {"size": 4}}])
def test_metadata_that_do_not_tell_of_the_images_are_refused(metadata):
    model = gaussian_generator().model.diffusion
    with pytest.raises(ValueError, match="must tell size, channels and num_levels"):
        ImageGenerator(model, metadata)


@pytest.mark.parametrize("label", [np.array(1), np.array([[1, 2]]), np.array([1.0, 2.0]), {}, [[1], [2]]])
def test_labels_that_are_none(label):
    with pytest.raises(ValueError, match="label must be"):
        gaussian_generator().generate(2, label=label)


def test_former_names_of_a_trajectory_warn():
    with pytest.warns(DeprecationWarning, match="trajectory"):
        film = gaussian_generator().film(2, num_steps=3)
    with pytest.warns(DeprecationWarning, match="x_t"):
        np.testing.assert_array_equal(film.states, film.x_t)
    with pytest.warns(DeprecationWarning, match="ImageTrajectory"):
        assert type(film) is molediff.images.Film


def test_the_exact_log_prob_of_shipped_digits_is_what_random_probes_find():
    """A network whose tensors are stored channels last, for which torch cannot batch the products with its Jacobian."""
    generator = ImageGenerator.from_pretrained("digits", device="cpu")
    images = generator.generate(1, label=1, seed=0, num_steps=5)
    exact = generator.log_prob(images, label=1, num_steps=1, num_probes=None)
    probed = generator.log_prob(images, label=1, num_steps=1, num_probes=16)
    np.testing.assert_allclose(exact, probed, atol=12.0)  # nats, of 64 pixels
