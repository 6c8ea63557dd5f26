"""The image generator: a class label in, images out; and images in, their likelihood, latents and completions out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import torch

from molediff.core.density.flow import spherical, to_data, to_noise
from molediff.core.density.likelihood import ExactTrace, Hutchinson, RungeKutta4
from molediff.core.model import DiffusionModel
from molediff.core.solvers import Solver
from molediff.images.arguments import (
    Label,
    Labelling,
    check_guidance,
    check_images,
    check_latents,
    check_mask,
    class_indices,
)
from molediff.images.batched import draw, fill_in, log_probabilities
from molediff.images.model import ImageModel
from molediff.images.settings import Limits, Sampling, read_settings
from molediff.images.trajectory import ImageTrajectory, draw_trajectory
from molediff.networks.pretrained import load_model
from molediff.runtime.checks import check_whole_number, choose_device
from molediff.runtime.former import formerly_positional
from molediff.sampling.options import Grid, SolverOptions
from molediff.sampling.seeds import numbered_generators


class ImageGenerator:
    """Samples images from a trained diffusion model of pixels, or of an autoencoder's latents.

    Images are float32 arrays (n, height, width, channels) in [0, 1], snapped to the grey levels of the training data
    (17 for the digits). Image i of a call depends on the seed, its number i, its label and the options, not on the
    batch size or on the other images (up to the rounding of floating-point numbers). Global random states are neither
    read nor set.

    `guidance` is w of classifier-free guidance, (1 + w) conditional - w unconditional denoiser (Ho and Salimans 2022,
    eq. 6): 0 is the conditional model, above 0 sharpens the label at the cost of diversity, -1 ignores it. Any value
    but 0 and -1 doubles the network evaluations.

    Args:
        model: a trained model of images.
        metadata: of the weights; its "split" tells size, channels, grey levels and class names of the images.
        device: "cpu", "cuda", or None: "cuda" if there is one.

    Example:
        >>> generator = ImageGenerator.from_pretrained("digits")
        >>> generator.generate(num_images=4, label=7, guidance=2.0, seed=1).shape
        (4, 8, 8, 1)
    """

    def __init__(
        self,
        model: DiffusionModel,
        metadata: dict[str, Any] | None = None,
        device: str | torch.device | None = None,
    ):
        self.metadata = dict(metadata or {})
        self.model = ImageModel(model, self.metadata, choose_device(device))

    @classmethod
    def from_pretrained(
        cls,
        weights: str | FilePath = "digits",
        device: str | torch.device | None = None,
        allow: Sequence[str] = (),
    ) -> ImageGenerator:
        """Load a generator.

        Args:
            weights: name of weights that ship ("digits", "digits_latent"), or path of a `.safetensors` file.
            device: see the class.
            allow: packages of your own that a file may name classes of (see `networks.load_model`).

        Raises:
            FileNotFoundError: there are no such weights.
            ValueError: the file is damaged or was made for something else.
        """
        return cls(*load_model(weights, allow, "images"), device)

    @formerly_positional("label", "guidance", "seed")
    def generate(
        self,
        num_images: int = 64,
        seed: int = 0,
        *,
        label: Labelling = None,
        guidance: float = 0.0,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        **words: Any,
    ) -> np.ndarray:
        """Draw images.

        Args:
            num_images: number of images.
            seed: at least 0. Name it: for one release a second argument without a name is the label, as it was.
            label: class number or name, or a list with one for each image; None: any.
            guidance: strength of the label, see the class.
            sampling: solver and steps, see `molediff.images.Sampling`.
            limits: memory, see `molediff.images.Limits`.
            **words: any setting of the two groups by itself, such as `num_steps=10`, where its group is not given.

        Returns:
            Images in [0, 1], float32, shape (num_images, height, width, channels).

        Raises:
            ValueError: an option is out of range or given twice, or the label does not exist.
        """
        options, batch_size = read_settings(sampling, limits, words)
        classes = self._classes(num_images, label, guidance, seed)
        return draw(self.model, options, classes, guidance, seed, batch_size)

    @formerly_positional("label", "guidance", "seed")
    def trajectory(
        self,
        num_images: int = 16,
        seed: int = 0,
        *,
        label: Labelling = None,
        guidance: float = 0.0,
        sampling: Sampling | None = None,
        **words: Any,
    ) -> ImageTrajectory:
        """`generate`, at once, and every step on the way (40 unless told); of a latent model the decoded states."""
        usual = {} if sampling is not None else {"num_steps": 40}
        options, _ = read_settings(sampling, None, usual | words)
        classes = self._classes(num_images, label, guidance, seed)
        return draw_trajectory(self.model, options, classes, guidance, seed)

    def film(self, *arguments: Any, **options: Any) -> ImageTrajectory:
        """The former name of `trajectory`."""
        warnings.warn("film is now trajectory", DeprecationWarning, stacklevel=2)
        return self.trajectory(*arguments, **options)

    def log_prob(
        self,
        images: np.ndarray,
        label: Labelling = None,
        seed: int = 0,
        *,
        num_steps: int = 25,
        num_probes: int | None = 2,
        batch_size: int = 256,
    ) -> np.ndarray:
        """Log-probability of images as they are, made of discrete grey levels, in nats.

        The model has a density; the probability of an image is its integral over the bins of the grey levels. By
        Jensen's inequality the log-density at a random point of the bin (uniform dequantization; Theis et al. 2016)
        plus the log of the bin's volume is at most that, in expectation: a lower bound, estimated by one point an
        image, drawn by `seed`. The density is that of the probability-flow ODE at the path's least noise.
        `bits_per_dimension` gives the same as a code length.

        Args:
            images: float (n, height, width, channels) in [0, 1]; rounded to the grey levels of the training data.
            label: condition on this class; a list with one for each image; None: the unconditional model.
            seed: of dequantization and probes.
            num_steps: of the fourth-order Runge-Kutta method, four evaluations with gradient each.
            num_probes: random probes of the trace (Hutchinson 1990), at least 2; unbiased. None: the exact trace, at
                one gradient a dimension.
            batch_size: images at a time.

        Returns:
            Log-probabilities, at most 0 in expectation, float64 (n,).

        Raises:
            ValueError: the images are not such, or the model is one of latents, whose images have no density.
        """
        images, classes = self._given(images, label, 0.0, seed)
        trace = ExactTrace() if num_probes is None else Hutchinson(num_probes)
        return log_probabilities(self.model, images, classes, seed, trace, RungeKutta4(num_steps), batch_size)

    def bits_per_dimension(self, images: np.ndarray, label: Labelling = None, **options: Any) -> np.ndarray:
        """Code length of each image in bits a pixel and channel (n,): `log_prob` in other words. Options as there."""
        return -self.log_prob(images, label, **options) / (math.prod(self.model.image_shape) * math.log(2))

    def encode(
        self, images: np.ndarray, label: Labelling = None, seed: int = 0, *, num_steps: int = 50
    ) -> np.ndarray:
        """Latents of images: the noise that the probability-flow ODE carries them up to.

        Grey levels are dequantized first, as in training, so that the latents are like noise.

        Args:
            images: float (n, height, width, channels) in [0, 1].
            label: condition on this class; give the same to `decode`.
            seed: of the dequantization.
            num_steps: of the fourth-order Runge-Kutta method, four evaluations each.

        Returns:
            float32, in the shape of the model's states: (n, channels, height, width).
        """
        images, classes = self._given(images, label, 0.0, seed)
        x_0 = self.model.states(images, numbered_generators(seed, range(len(images))))
        diffusion = self.model.diffusion
        solver, denoiser = RungeKutta4(num_steps), self.model.denoiser(classes)
        return np.asarray(to_noise(denoiser, diffusion.path, x_0, solver, diffusion.space).cpu().numpy())

    def decode(self, latents: np.ndarray, label: Labelling = None, *, num_steps: int = 50) -> np.ndarray:
        """Images (n, height, width, channels) of latents (n, channels, height, width): the inverse of `encode`."""
        array = check_latents(latents, self.model.state_shape)
        denoiser = self.model.denoiser(self._classes(len(array), label, 0.0, 0))
        x_1, diffusion = torch.from_numpy(array).to(self.model.device), self.model.diffusion
        return self.model.images(
            to_data(denoiser, diffusion.path, x_1, RungeKutta4(num_steps), diffusion.space)
        )

    def interpolate(
        self,
        image_a: np.ndarray,
        image_b: np.ndarray,
        num_images: int = 8,
        label: Label = None,
        seed: int = 0,
        *,
        num_steps: int = 50,
    ) -> np.ndarray:
        """A way from one image to another through images, along the great circle between their latents.

        Args:
            image_a: start, float (height, width, channels) in [0, 1].
            image_b: end, likewise.
            num_images: images of the way, both ends among them, at least 2.
            label: condition on this class all along.
            seed: of the dequantization.
            num_steps: see `encode`.

        Returns:
            float32 (num_images, height, width, channels).
        """
        check_whole_number("num_images", num_images, least=2)
        given, shape = {"image_a": image_a, "image_b": image_b}, self.model.image_shape
        ends = [check_images(name, np.asarray(image)[None], shape) for name, image in given.items()]
        a, b = torch.from_numpy(self.encode(np.concatenate(ends), label, seed, num_steps=num_steps))
        way = spherical(a, b, torch.linspace(0, 1, num_images))
        return self.decode(way.numpy(), label, num_steps=num_steps)

    def inpaint(
        self,
        images: np.ndarray,
        mask: np.ndarray,
        label: Labelling = None,
        guidance: float = 0.0,
        seed: int = 0,
        *,
        solver: str | Solver = "ancestral",
        num_steps: int = 50,
        eta: float | None = None,
        grid: str | Grid = "uniform_lambda",
        num_repeats: int = 5,
        batch_size: int = 256,
    ) -> np.ndarray:
        """Fill in the unknown pixels of images (Lugmayr et al. 2022).

        In a latent model a cell counts as known where all of its pixels are; the known pixels are put back in the end.

        Args:
            images: float (n, height, width, channels) in [0, 1]; unknown pixels may hold anything in that range.
            mask: booleans (height, width) or (n, height, width), True where the pixel is known.
            label: of the whole image; a list with one for each.
            guidance: strength of the label, see the class.
            seed: at least 0.
            solver: a one-step solver: "ancestral", "ddim", "euler_maruyama", or an object.
            num_steps, eta, grid, batch_size: see `generate`.
            num_repeats: times that each step is taken, down and up again; more lets the new part fit the known better.

        Returns:
            float32 (n, height, width, channels); the known pixels are those of `images`.
        """
        options = SolverOptions(solver, num_steps, eta, grid)
        images, classes = self._given(images, label, guidance, seed)
        known = check_mask(mask, len(images), self.model.image_shape[:2])
        filled = fill_in(self.model, images, known, classes, guidance, seed, options, num_repeats, batch_size)
        return np.where(known[..., None], images, filled).astype(np.float32)

    def _classes(self, num_images: int, label: Labelling, guidance: float, seed: int) -> np.ndarray:
        """The class of each image (n,), after a check of what every call takes."""
        check_whole_number("num_images", num_images, least=1)
        check_whole_number("seed", seed, least=0)
        classes = class_indices(label, num_images, self.model.num_classes, self.model.class_names)
        check_guidance(guidance, classes, self.model.num_classes)
        return classes

    def _given(
        self, images: Any, label: Labelling, guidance: float, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Checked images and the class of each."""
        images = check_images("images", images, self.model.image_shape)
        return images, self._classes(len(images), label, guidance, seed)
