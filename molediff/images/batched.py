"""Passes over many images in parts that fit into memory: to draw, to score, and to fill in unknown pixels."""

from __future__ import annotations

import numpy as np

from molediff.core.density.likelihood import RungeKutta4, Trace, log_prob
from molediff.core.solvers import Inpainting
from molediff.images.model import ImageModel
from molediff.runtime.checks import check_whole_number
from molediff.sampling.options import SolverOptions
from molediff.sampling.seeds import numbered_generators


def parts_of(num: int, batch_size: int) -> list[range]:
    """The numbers 0 to `num` in parts of at most `batch_size`."""
    check_whole_number("batch_size", batch_size, least=1)
    return [range(start, min(start + batch_size, num)) for start in range(0, num, batch_size)]


def draw(
    model: ImageModel,
    options: SolverOptions,
    classes: np.ndarray,
    guidance: float,
    seed: int,
    batch_size: int,
) -> np.ndarray:
    """Images (n, height, width, channels), one for each of `classes` (n,); see `ImageGenerator.generate`."""
    drawn, times = [], options.times(model.diffusion.path)
    for rows in parts_of(len(classes), batch_size):
        generators = numbered_generators(seed, rows)
        denoiser = model.denoiser(classes[rows], guidance)
        drawn.append(model.images(model.solve(options.solver_object, times, denoiser, generators)))
    return np.concatenate(drawn)


def log_probabilities(
    model: ImageModel,
    images: np.ndarray,
    classes: np.ndarray,
    seed: int,
    trace: Trace,
    solver: RungeKutta4,
    batch_size: int,
) -> np.ndarray:
    """Bounds (n,) of the log-probabilities in nats of discrete images; see `ImageGenerator.log_prob`.

    Raises:
        ValueError: the model is one of latents.
    """
    if model.is_latent:
        raise ValueError(
            "A latent model has a density of latents, not of images: use a pixel model for likelihoods."
        )
    found, diffusion = [], model.diffusion
    for rows in parts_of(len(images), batch_size):
        generators = numbered_generators(seed, rows)
        x_0, denoiser = model.states(images[rows], generators), model.denoiser(classes[rows])
        density = log_prob(
            denoiser, diffusion.path, x_0, generators, diffusion.space, trace=trace, solver=solver
        )
        found.append(density.log_prob.double().cpu().numpy() + model.log_bin_volume)
    return np.concatenate(found)


def fill_in(
    model: ImageModel,
    images: np.ndarray,
    known: np.ndarray,
    classes: np.ndarray,
    guidance: float,
    seed: int,
    options: SolverOptions,
    num_repeats: int,
    batch_size: int,
) -> np.ndarray:
    """Images (n, height, width, channels) with their unknown pixels filled in; see `ImageGenerator.inpaint`."""
    filled, times = [], options.times(model.diffusion.path)
    for rows in parts_of(len(images), batch_size):
        generators = numbered_generators(seed, rows)
        states, is_known = model.states(images[rows], generators), model.known_states(known[rows])
        solver = Inpainting(states, is_known, options.solver_object, num_repeats)
        x = model.solve(solver, times, model.denoiser(classes[rows], guidance), generators)
        filled.append(model.images(x))
    return np.concatenate(filled)
