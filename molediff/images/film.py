"""How images come out of noise, step by step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from molediff.core.solvers import Step
from molediff.images.model import ImageModel
from molediff.sampling.options import SolverOptions
from molediff.sampling.seeds import numbered_generator


class Film(NamedTuple):
    """How images came out of noise.

    Attributes:
        times: of the steps, descending, shape (num_steps,).
        states: x_t at these times, as pictures clipped to [0, 1], float32 (num_steps, n, height, width, channels).
        estimates: what the network took the images to be, of the same shape.
        images: the result, float32 (n, height, width, channels).
    """

    times: np.ndarray
    states: np.ndarray
    estimates: np.ndarray
    images: np.ndarray


def film(model: ImageModel, options: SolverOptions, classes: np.ndarray, guidance: float, seed: int) -> Film:
    """Draw one image for each of `classes` and keep every step; see `ImageGenerator.film`."""
    steps: list[Step] = []
    generators = [numbered_generator(seed, i) for i in range(len(classes))]
    x = model.solve(
        options.make_solver(),
        options.times(model.diffusion.path),
        model.denoiser(classes, guidance),
        generators,
        steps.append,
    )
    return Film(
        np.array([step.t for step in steps]),
        np.stack([model.shown(step.x_t) for step in steps]),
        np.stack([model.shown(step.x_0_hat) for step in steps]),
        model.images(x),
    )
