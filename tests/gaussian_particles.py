"""Particles on springs: a system whose density is normal, and the model that knows it exactly."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP, Path
from molediff.core.target import Sample
from molediff.particles.energies import PairPotential
from molediff.particles.generator import ParticleGenerator

SCALE = 1.7


def springs(std: float, num_particles: int = 3, num_dimensions: int = 2) -> PairPotential:
    """Springs between all particles, such that each dimension of the zero-centre-of-mass space has this `std`."""
    stiffness = 1 / (num_particles * std**2)
    return PairPotential(lambda r: 0.5 * stiffness * r**2, num_particles, num_dimensions)


def entropy(std: float, num: int) -> float:
    """Of a normal in `num` dimensions."""
    return 0.5 * num * (1 + math.log(2 * math.pi * std**2))


class KnowsTheNormal(nn.Module):
    """The exact estimate of x_0 for normal data of this standard deviation in model units."""

    def __init__(self, std: float):
        super().__init__()
        self.std = nn.Parameter(torch.tensor(std, dtype=torch.float64))

    def forward(self, x: Tensor, lambda_: Tensor, condition: None) -> Tensor:
        # x has unit variance for unit data: alpha^2 + sigma^2 = 1 in here, on any path
        alpha, variance = torch.sigmoid(2 * lambda_).sqrt(), torch.sigmoid(-2 * lambda_)
        gain = alpha * self.std**2 / (alpha.square() * self.std**2 + variance)
        return gain[:, None, None] * x


def exact_generator(
    std: float,
    path: Path = CosineVP(),  # noqa: B008 (frozen)
    energy: PairPotential | None = None,
) -> ParticleGenerator:
    """A generator of `springs(std)` without error."""
    model = DiffusionModel(KnowsTheNormal(std / SCALE), path, Sample(), ZeroCentreOfMass(), SCALE)
    return ParticleGenerator(model, device="cpu", energy=energy or springs(std))
