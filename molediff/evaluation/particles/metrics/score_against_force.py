"""Is the learned score a force? Its direction and size against -grad u at the same place, over the noise level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from molediff.core.target import Score, convert
from molediff.particles.generator import ParticleGenerator
from molediff.sampling.seeds import numbered_generators


@dataclass(frozen=True)
class ScoreForce:
    """One noise level.

    Attributes:
        noise: standard deviation sigma / alpha of the noise in the system's unit of length.
        cosine: mean cosine of the angle between score and force, vectors of all particles together.
        scale: factor s of the least-squares fit score = s x force; 1 where the score is the force.
        median_ratio: median of |score| / |force|.
    """

    noise: float
    cosine: float
    scale: float
    median_ratio: float


def score_against_force(
    generator: ParticleGenerator, x: np.ndarray, lambdas: Sequence[float], seed: int = 0
) -> list[ScoreForce]:
    """Compare the learned score with the force at configurations that noise has moved.

    At x_t = alpha x + sigma eps the score of the noised density is taken there; the force at x_t / alpha, over alpha.
    For sigma to 0 the two are equal. With noise the score is the force of a smoothed energy.

    Args:
        generator: model and system.
        x: configurations of the system, shape (n, N, d).
        lambdas: noise levels, half the log-SNR in model units.
        seed: of the noise.
    """
    model, device = generator.model, generator.device
    dtype = next(model.parameters()).dtype
    states = torch.from_numpy(x / model.scale).to(device, dtype)
    generators = numbered_generators(seed, range(len(x)))
    eps = model.space.sample(states.shape, generators, device=device, dtype=dtype)
    found = []
    for lambda_ in lambdas:
        t = model.path.t_of_lambda(torch.full((len(x),), lambda_, dtype=torch.float64)).to(device)
        alpha, noise = float(model.path.alpha(t[0])), math.exp(-lambda_)
        x_t = model.path.noised(states, eps, t[0])
        with torch.no_grad():
            pred = model.predict(x_t, t.to(dtype))
        score = convert(pred.double(), x_t.double(), t, model.path, model.target, Score())
        of_data = score.cpu().numpy() * (alpha / model.scale)
        force = generator.energy.force(x_t.double().cpu().numpy() * (model.scale / alpha))
        found.append(_compared(of_data.reshape(len(x), -1), force.reshape(len(x), -1), noise * model.scale))
    return found


def _compared(score: np.ndarray, force: np.ndarray, noise: float) -> ScoreForce:
    along = (score * force).sum(1)
    sizes, force_sizes = np.linalg.norm(score, axis=1), np.linalg.norm(force, axis=1)
    return ScoreForce(
        noise=noise,
        cosine=float((along / (sizes * force_sizes)).mean()),
        scale=float(along.sum() / (force_sizes**2).sum()),
        median_ratio=float(np.median(sizes / force_sizes)),
    )
