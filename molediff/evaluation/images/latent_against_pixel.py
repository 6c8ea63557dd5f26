"""A diffusion model of latents against one of pixels, on images of the same size."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from molediff.evaluation.images.quality import ImageJudge, ImageQuality
from molediff.evaluation.images.sweeps import even_labels
from molediff.images.generator import ImageGenerator
from molediff.sampling.seeds import numbered_generators


@dataclass(frozen=True)
class Reconstruction:
    """What an autoencoder loses of images that it was not trained on.

    Attributes:
        rms_error: root mean square difference of the pixels, of images in [0, 1].
        frechet: Frechet distance of the reconstructions to the test images themselves.
        compression: numbers in an image over numbers in a latent.
    """

    rms_error: float
    frechet: float
    compression: float


@dataclass(frozen=True)
class Contender:
    """One model.

    Attributes:
        quality: of its images.
        seconds: processor time an image, of one thread where torch has one.
        num_parameters: of all its networks.
        minutes: that it was trained for, as its weights say.
        images: the first ones drawn.
    """

    quality: ImageQuality
    seconds: float
    num_parameters: int
    minutes: float | None
    images: np.ndarray


def contend(
    generator: ImageGenerator,
    judge: ImageJudge,
    num_images: int,
    num_steps: int,
    seed: int,
    num_shown: int = 30,
) -> Contender:
    """Draw images of every class in turn, judge and time them."""
    labels = even_labels(num_images, generator.model.num_classes)
    generator.generate(2, label=labels[:2], num_steps=2)  # the first call of a network also prepares it
    start = time.process_time()
    images = generator.generate(num_images, label=labels, seed=seed, num_steps=num_steps, batch_size=64)
    seconds = (time.process_time() - start) / num_images
    parameters = sum(parameter.numel() for parameter in generator.model.diffusion.parameters())
    minutes = generator.metadata.get("minutes")
    return Contender(judge.quality(images, labels), seconds, parameters, minutes, images[:num_shown])


def reconstruct(generator: ImageGenerator, images: np.ndarray) -> np.ndarray:
    """Images (n, height, width, channels) through the autoencoder of a latent model."""
    states = generator.model.states(images, numbered_generators(0, range(len(images))))
    return generator.model.images(states)


def measure_reconstruction(generator: ImageGenerator, judge: ImageJudge) -> Reconstruction:
    """What the autoencoder of a latent model loses of the test images."""
    rebuilt = reconstruct(generator, judge.test)
    return Reconstruction(
        rms_error=float(np.sqrt(np.mean((rebuilt - judge.test) ** 2))),
        frechet=judge.frechet(rebuilt),
        compression=float(np.prod(generator.model.image_shape) / np.prod(generator.model.state_shape)),
    )
