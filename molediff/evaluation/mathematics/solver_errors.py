"""Error against evaluations: every solver on every path, on data whose flow and law are known exactly.

In one dimension the probability-flow ODE takes each quantile of the noise to the same quantile of the data, so that an
ODE solver's error is known sample by sample. A stochastic solver has no path to keep to: its samples' law is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.exact.convergence import OneStream, exact_variance, slope
from molediff.core.exact.mixture import gaussian, two_peaks
from molediff.core.model import Denoiser
from molediff.core.paths import (
    CosineVP,
    DiscreteChain,
    GeometricVE,
    LinearVP,
    Path,
    PolynomialVP,
    SigmoidVP,
    Straight,
    SubVP,
)
from molediff.core.solvers import (
    DDIM,
    Churn,
    Dopri5,
    DPMSolverPP2S,
    Heun,
    PredictorCorrector,
    Solver,
    by_title,
    uniform_lambda,
)
from molediff.evaluation.mathematics.exact_law import ExactLaw, Floor

PATHS: dict[str, Path] = {
    "linear VP": LinearVP(),
    "cosine VP": CosineVP(),
    "sigmoid VP": SigmoidVP(),
    "polynomial VP": PolynomialVP(),
    "DDPM chain, 1000": DiscreteChain.linear(1000),
    "sub-VP": SubVP(),
    "VE": GeometricVE(),
    "straight": Straight(),
}
ODE_SOLVERS: dict[str, Solver] = by_title("euler", "ddim", "heun", "dpmpp_2s", "dpmpp_2m", "dpmpp_3m")
STOCHASTIC_SOLVERS: dict[str, Solver] = {
    **by_title("euler_maruyama", "ancestral"),  # ancestral is DDIM(1)
    "DDIM(0.5)": DDIM(0.5),
    **by_title("sde_dpmpp_2m", "predictor_corrector", "churn"),
}
ADAPTIVE = "dopri5"
TOLERANCES = (1e-1, 1e-2, 1e-4, 1e-6)

# With these settings the order shows from few steps on: corrections as long as steps, churn below its cap.
IN_THE_LIMIT: dict[str, Solver] = {
    **STOCHASTIC_SOLVERS,
    "predictor-corrector": PredictorCorrector(step_size=1.0),
    "churn": Churn(s_churn=20.0, s_min=0.01, s_max=100.0),
}


@dataclass(frozen=True)
class Curve:
    """How a solver's error falls on one path.

    Attributes:
        solver, path: names.
        stochastic: whether the solver draws noise.
        num_evaluations: network evaluations a sample, as counted.
        errors: of an ODE solver, the mean distance to where the exact ODE takes the same noise; of a stochastic one,
            the Wasserstein-1 distance of the samples to the exact law.
        order: of an ODE solver, the slope of the error over the last three points that rounding does not touch.
    """

    solver: str
    path: str
    stochastic: bool
    num_evaluations: list[int]
    errors: list[float]
    order: float | None = None


def steps_for(solver: Solver, num_evaluations: int) -> int:
    """Steps that cost about this many evaluations, at least one."""
    two = isinstance(solver, (Heun, DPMSolverPP2S, PredictorCorrector, Churn))
    return max(1, num_evaluations // (2 if two else 1))


def draw(
    solver: Solver, denoiser: Denoiser, path: Path, times: Tensor, x_1: Tensor, seed: int
) -> tuple[Tensor, int]:
    """Samples, and the evaluations that they took. Where all are at one time, the denoiser computes with it once."""
    seen: list[int] = []
    x = solver.sample(
        lambda x_t, t: denoiser(x_t, t[:1] if bool((t == t[0]).all()) else t),
        path,
        times,
        x_1,
        space=OneStream(seed),
        callback=lambda step: seen.append(step.num_evaluations),
    )
    return x, seen[-1]


def measure_flow_errors(path_name: str, num_evaluations: Sequence[int], num_samples: int) -> list[Curve]:
    """Errors of every ODE solver on one path of `PATHS`, on grids uniform in lambda.

    The starts are quantiles of x at t_max, evenly spread in probability, so that nothing is left to chance.

    Args:
        path_name: of `PATHS`.
        num_evaluations: wanted, ascending; a solver that takes two a step gets half as many steps.
        num_samples: starts.
    """
    path = PATHS[path_name]
    data = two_peaks(path)
    u = (torch.arange(num_samples, dtype=torch.float64) + 0.5) / num_samples
    x_1, exact = (data.quantile(u, t)[:, None] for t in (path.t_max, path.t_min))

    def curve(name: str, runs: Sequence[tuple[Solver, int]]) -> Curve:
        drawn = [
            draw(solver, data.denoiser, path, uniform_lambda(path, n), x_1, seed=0) for solver, n in runs
        ]
        errors = [float((x - exact).abs().mean()) for x, _ in drawn]
        counts = [count for _, count in drawn]
        sound = [(n, error) for n, error in zip(counts, errors, strict=True) if error > 1e-10][-3:]
        order = slope(*zip(*sound, strict=True)) if len(sound) > 1 and name != ADAPTIVE else None
        return Curve(name, path_name, False, counts, errors, order)

    curves = [
        curve(name, [(solver, steps_for(solver, num)) for num in num_evaluations])
        for name, solver in ODE_SOLVERS.items()
    ]
    return [*curves, curve(ADAPTIVE, [(Dopri5(tolerance, tolerance), 1) for tolerance in TOLERANCES])]


def measure_law_errors(
    path_name: str, num_evaluations: Sequence[int], num_samples: int, seed: int
) -> tuple[list[Curve], Floor]:
    """Errors of every stochastic solver on one path of `PATHS`, on grids uniform in lambda; and of exact samples.

    Args:
        path_name: of `PATHS`.
        num_evaluations: as for `measure_flow_errors`.
        num_samples: samples of each run.
        seed: of the starts, exact samples of x at t_max, and of all noise.
    """
    path = PATHS[path_name]
    data = two_peaks(path)
    law = ExactLaw(data, path.t_min, num_samples)
    x_1 = data.sample(num_samples, path.t_max, torch.Generator().manual_seed(seed))
    curves = []
    for name, solver in STOCHASTIC_SOLVERS.items():
        runs = [
            draw(solver, data.denoiser, path, uniform_lambda(path, steps_for(solver, num)), x_1, seed)
            for num in num_evaluations
        ]
        errors = [law.wasserstein(x) for x, _ in runs]
        curves.append(Curve(name, path_name, True, [count for _, count in runs], errors))
    return curves, law.floor(ExactLaw.wasserstein, seed)


def measure_weak_orders(num_steps: Sequence[int], variance: float = 0.3) -> dict[str, float]:
    """Order of each stochastic solver: how its output's variance nears the exact one, free of sampling error.

    Args:
        num_steps: at which the error is taken, on grids of CosineVP uniform in lambda.
        variance: of the data, a normal.
    """
    path, orders = CosineVP(), {}
    truth = float(gaussian(path, [0.0], [[variance]]).moments(path.t_min)[1])
    for name, solver in IN_THE_LIMIT.items():
        found = [exact_variance(solver, path, uniform_lambda(path, n), variance, 2) for n in num_steps]
        orders[name] = slope(num_steps, [abs(value - truth) for value in found])
    return orders
