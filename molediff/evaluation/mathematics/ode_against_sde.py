"""The ODE against the SDE: quality and diversity at few and at many evaluations, of an exact network and a wrong one.

With the exact denoiser both end in the same law, and the better method is the one with the smaller step error. A
network that errs is another matter: the ODE carries every error to the end, as a fluid without friction would; the SDE
is in touch with a heat bath, and forgets what went wrong while the noise was high.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.exact.mixture import Mixture, islands
from molediff.core.model import Denoiser
from molediff.core.paths import CosineVP
from molediff.core.solvers import Solver, by_title, uniform_lambda
from molediff.evaluation.mathematics.exact_law import ExactLaw, Floor
from molediff.evaluation.mathematics.solver_errors import draw

SOLVERS: dict[str, Solver] = by_title("ddim", "dpmpp_2m", "euler_maruyama", "ancestral", "sde_dpmpp_2m")


@dataclass(frozen=True)
class Quality:
    """What a solver's samples are worth.

    Attributes:
        solver: name.
        stochastic: whether it solves the SDE.
        network: "exact", or "wrong at high noise".
        num_evaluations: network evaluations a sample.
        wasserstein: sliced Wasserstein-1 distance to the exact law.
        lost_weight: fraction of the probability in the wrong mode.
        spread: width of the modes over the exact one.
    """

    solver: str
    stochastic: bool
    network: str
    num_evaluations: list[int]
    wasserstein: list[float]
    lost_weight: list[float]
    spread: list[float]


def wrong_at_high_noise(data: Mixture, shift: float = 1.5, lambda_below: float = -1.5) -> Denoiser:
    """The exact denoiser, but off by `shift` along the first axis wherever lambda is below `lambda_below`."""

    def denoiser(x_t: Tensor, t: Tensor) -> Tensor:
        off = torch.zeros_like(x_t)
        off[:, 0] = shift * torch.sigmoid(8 * (lambda_below - data.path.lambda_(t)))
        return data.denoiser(x_t, t) + off

    return denoiser


def expected_shifts(shift: float = 1.5, lambda_below: float = -1.5) -> tuple[float, float]:
    """What is left of the error of `wrong_at_high_noise` at the end, for a normal of unit variance: ODE, SDE.

    At lambda_below x / alpha is off by `shift` and has the variance v = 1 + exp(-2 lambda_below). The ODE keeps the
    deviation in units of the width, shift / sqrt(v); the SDE keeps what x says of x_0, shift / v.
    """
    variance = 1 + math.exp(-2 * lambda_below)
    return shift / math.sqrt(variance), shift / variance


def measure_quality(
    num_evaluations: Sequence[int], num_samples: int, seed: int
) -> tuple[list[Quality], dict[str, Floor]]:
    """Samples of the five islands on CosineVP, grids uniform in lambda; and the same figures of exact samples.

    Args:
        num_evaluations: network evaluations a sample, ascending.
        num_samples: samples of each run.
        seed: of the starts and of all noise.
    """
    path = CosineVP()
    data = islands(path)
    law = ExactLaw(data, path.t_min, num_samples)
    x_1 = data.sample(num_samples, path.t_max, torch.Generator().manual_seed(seed))
    results = []
    networks = {"exact": data.denoiser, "wrong at high noise": wrong_at_high_noise(data)}
    for network, denoiser in networks.items():
        for name, solver in SOLVERS.items():
            runs = [
                draw(solver, denoiser, path, uniform_lambda(path, num), x_1, seed)[0]
                for num in num_evaluations
            ]
            results.append(
                Quality(
                    name,
                    solver.stochastic,
                    network,
                    list(num_evaluations),
                    [law.wasserstein(x) for x in runs],
                    [law.lost_weight(x) for x in runs],
                    [law.spread(x) for x in runs],
                )
            )
    return results, floors(law, seed)


def floors(law: ExactLaw, seed: int) -> dict[str, Floor]:
    """The figures of `Quality` for exact samples."""
    measures = {
        "wasserstein": ExactLaw.wasserstein,
        "lost_weight": ExactLaw.lost_weight,
        "spread": ExactLaw.spread,
    }
    return {name: law.floor(measure, seed) for name, measure in measures.items()}
