"""How images come out of noise, step by step."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from molediff.core.solvers import Step
from molediff.images.model import ImageModel
from molediff.runtime.former import former_names
from molediff.sampling.options import SolverOptions
from molediff.sampling.seeds import numbered_generators
from molediff.sampling.trajectory import Trajectory

__getattr__ = former_names(__name__, {"Film": "ImageTrajectory"})


@dataclass(frozen=True)
class ImageTrajectory(Trajectory):
    """How images came out of noise; of a latent model the decoded states.

    Attributes:
        images: the result, snapped to grey levels, float32 (n, height, width, channels).
    """

    images: np.ndarray

    @property
    def states(self) -> np.ndarray:
        """The former name of `x_t`."""
        warnings.warn("states is now x_t", DeprecationWarning, stacklevel=2)
        return self.x_t

    @property
    def estimates(self) -> np.ndarray:
        """The former name of `x_0_hat`."""
        warnings.warn("estimates is now x_0_hat", DeprecationWarning, stacklevel=2)
        return self.x_0_hat


def draw_trajectory(
    model: ImageModel, options: SolverOptions, classes: np.ndarray, guidance: float, seed: int
) -> ImageTrajectory:
    """Draw one image for each of `classes` and keep every step; see `ImageGenerator.trajectory`."""
    steps: list[Step] = []
    generators = numbered_generators(seed, range(len(classes)))
    x = model.solve(
        options.solver_object,
        options.times(model.diffusion.path),
        model.denoiser(classes, guidance),
        generators,
        steps.append,
    )
    way = Trajectory.of(steps, model.shown)
    return ImageTrajectory(way.times, way.x_t, way.x_0_hat, model.images(x))
