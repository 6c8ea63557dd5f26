"""How good images are against the guidance scale, the solver and the number of network evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from molediff.core.solvers import Heun, Solver, by_title
from molediff.evaluation.images.quality import ImageJudge, ImageQuality
from molediff.images.generator import ImageGenerator

SOLVERS: Mapping[str, Solver] = by_title(
    "dpmpp_2m", "ddim", "heun", "sde_dpmpp_2m", "ancestral", "euler_maruyama"
)


@dataclass(frozen=True)
class Curve:
    """Quality of one solver against its evaluations.

    Attributes:
        solver: name.
        stochastic: whether it solves the SDE.
        num_images: images at each point.
        num_evaluations: network evaluations an image, ascending.
        frechet: Frechet distance to the test images.
    """

    solver: str
    stochastic: bool
    num_images: int
    num_evaluations: list[int]
    frechet: list[float]


def even_labels(num_images: int, num_classes: int) -> np.ndarray:
    """Every class in turn, (num_images,)."""
    return np.arange(num_images) % num_classes


def sweep_guidance(
    generator: ImageGenerator,
    judge: ImageJudge,
    scales: Sequence[float],
    num_images: int,
    num_steps: int,
    seed: int,
) -> dict[float, ImageQuality]:
    """Quality at each guidance scale, of images of every class in turn, all from the same noise."""
    labels = even_labels(num_images, generator.model.num_classes)
    return {
        scale: judge.quality(
            generator.generate(num_images, label=labels, guidance=scale, seed=seed, num_steps=num_steps),
            labels,
        )
        for scale in scales
    }


def sweep_solver(
    generator: ImageGenerator,
    judge: ImageJudge,
    name: str,
    num_evaluations: Sequence[int],
    num_images: int,
    seed: int,
) -> Curve:
    """Frechet distance against evaluations, of images of every class in turn, all from the same noise."""
    solver, labels = SOLVERS[name], even_labels(num_images, generator.model.num_classes)
    runs = [steps_for(solver, evaluations) for evaluations in num_evaluations]
    distances = [
        judge.frechet(
            generator.generate(num_images, label=labels, seed=seed, solver=solver, num_steps=num_steps)
        )
        for num_steps, _ in runs
    ]
    return Curve(name, solver.stochastic, num_images, [evaluations for _, evaluations in runs], distances)


def steps_for(solver: Solver, num_evaluations: int) -> tuple[int, int]:
    """Steps for at most `num_evaluations`, and the evaluations that they take: Heun's take two, but for the last."""
    if not isinstance(solver, Heun):
        return num_evaluations, num_evaluations
    num_steps = (num_evaluations + 1) // 2
    return num_steps, 2 * num_steps - 1


def evaluations_needed(curve: Curve, tolerance: float = 0.1) -> int:
    """Fewest evaluations from which on the distance stays within `tolerance` of that at the most evaluations."""
    limit = (1 + tolerance) * curve.frechet[-1]
    good = len(curve.frechet) - 1
    while good > 0 and curve.frechet[good - 1] <= limit:
        good -= 1
    return curve.num_evaluations[good]
