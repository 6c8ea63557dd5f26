"""Distillation: what a network must answer for few steps to end where a teacher's many steps end.

A teacher's path, from noise to a sample, is cut at the times of a coarse grid. Between two cuts one exact step with a
constant estimate of x_0 (`exact_step` of the solvers, that is DDIM) leads to the teacher's state for exactly one
estimate: the mean of the teacher's own estimates along the way, as the step weighs them. A student that answers with it
makes the whole stretch in one evaluation. (Progressive distillation, Salimans and Ho 2022, appendix G, with the stretch
and the teacher's solver left open.)

A student that errs comes to states where the teacher's path never was, and has not learned how to go on from there. So
the path may follow the student's own jumps: the teacher then says at each stop how it would go on from where the
student has come to. (Ross, Gordon and Bagnell 2011, DAgger.)

A student can come nearer to the minima of an energy than its teacher. Samples lie in the right basins and beside the
minima, along the soft modes. If for some noise it is known to which minimum its sample relaxes, then that is what the
student should have answered at its last stops, wherever it has put the soft modes by then. On a path that has come to
another minimum the teacher says how to go on, as before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from molediff.core.geometry.kabsch import kabsch
from molediff.core.model import Condition, Denoiser, DiffusionModel
from molediff.core.solvers import DDIM, Solver
from molediff.core.solvers.noise_level import NoiseLevel, eps_hat, noise_levels

__all__ = ["DistillationTargets", "Minima", "Teacher", "constant_estimate"]


def constant_estimate(x_s: Tensor, x_t: Tensor, s: NoiseLevel, t: NoiseLevel) -> Tensor:
    """The estimate of x_0 that, held constant, leads from `x_s` at `s` to `x_t` at `t`, of less noise, by the ODE."""
    h = t.lambda_ - s.lambda_
    return (x_t - (t.sigma / s.sigma) * x_s) / (-t.alpha * math.expm1(-h))


@dataclass(frozen=True)
class DistillationTargets:
    """Stretches of paths; those of one sample stand next to each other.

    Attributes:
        x_0: what to estimate, shape (n m, ...) for n samples and m stops.
        eps: the noise that goes with it, so that alpha x_0 + sigma eps is the state to begin with.
        t: time of that state, shape (n m,).
        reached_minimum: whether the student came to the minimum of the sample, shape (n,); None without minima.
    """

    x_0: Tensor
    eps: Tensor
    t: Tensor
    reached_minimum: Tensor | None = None


@dataclass(frozen=True)
class Minima:
    """Minima (n, N, d) near which paths are to end, and which stops learn from them.

    Attributes:
        x_0: the minimum of each sample in the model's space, turned in whatever way.
        first: number of the first stop that learns from it.
        reach: a path that ends farther from it in any point has come to another one.
    """

    x_0: Tensor
    first: int
    reach: float

    def turned_onto(self, end: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """The minima as they lie best on the ends (n, N, d) of the paths, and whether these have come to them, (n,)."""
        rotation = kabsch(self.x_0, end, mask)
        with torch.autocast(end.device.type, enabled=False):
            x_0 = (self.x_0.to(rotation) @ rotation.mT).to(end)
        apart = (end - x_0).norm(dim=-1)
        return x_0, (apart if mask is None else apart.masked_fill(~mask, 0)).amax(1) < self.reach


@dataclass(frozen=True)
class Teacher:
    """A model with the solver that makes the best of it.

    Attributes:
        model: only evaluated.
        solver: deterministic.
        times: fine grid, the last of it 0, where there is no noise.
        student_times: places in `times` at which the student evaluates, its stops, the first of them 0.

    Raises:
        ValueError: the stops do not ascend from 0, or there is nothing behind the last; the solver is stochastic.
    """

    model: DiffusionModel
    solver: Solver
    times: Tensor
    student_times: tuple[int, ...]

    def __post_init__(self) -> None:
        ends = [*self.student_times, len(self.times) - 1]
        if ends[0] != 0 or any(before >= after for before, after in pairwise(ends)):
            raise ValueError(
                f"student_times are places in a grid of {len(self.times)} times that ascend from 0 and leave a step to "
                f"make after the last; got {self.student_times}."
            )
        if self.solver.stochastic:
            raise ValueError(
                f"A student learns where noise leads, which must be one place; got {self.solver}."
            )

    @property
    def lambdas(self) -> list[float]:
        """Half log-SNR at the stops: the grid of the student."""
        return [
            round(level.lambda_, 6)
            for level in noise_levels(self.model.path, self.times[list(self.student_times)])
        ]

    @torch.no_grad()
    def targets(
        self,
        condition: Condition | None,
        noise: Tensor,
        mask: Tensor | None,
        student: Denoiser | None = None,
        minima: Minima | None = None,
    ) -> DistillationTargets:
        """Take `noise` to samples and say what a student should have answered at the stops.

        From each stop the solver begins anew, without a history.

        Args:
            condition: encoded by the teacher, for n samples.
            noise: unit noise of the model's space, (n, ...).
            mask: (n, N), true for real rows.
            student: whose jumps lead from stop to stop; None: the teacher's own steps do.
            minima: what the last stops are to answer on a path that comes there; None: all answers are the teacher's.

        Raises:
            ValueError: minima without a student who comes near them.
        """
        if minima is not None and student is None:
            raise ValueError("Minima are for the ends of a student's own jumps: take on_policy=true.")
        path, denoiser, space = self.model.path, self.model.denoiser_of(condition), self.model.space
        grid = noise_levels(path, self.times)
        x_s = space.project(grid[0].sigma * noise, mask)
        states, answers = list[Tensor](), list[Tensor]()
        for here, there in pairwise([*self.student_times, len(self.times) - 1]):
            times = self.times[here : there + 1]
            x_t = self.solver.sample(denoiser, path, times, x_s, None, space, mask)
            states.append(x_s)
            answers.append(constant_estimate(x_s, x_t, grid[here], grid[there]))
            if student is not None and (minima is not None or math.isfinite(grid[there].lambda_)):
                times = self.times[[here, there]]
                x_t = DDIM().sample(student, path, times, x_s, None, space, mask)
            x_s = x_t
        reached = None
        if minima is not None:
            minimum, reached = minima.turned_onto(x_s, mask)
            for number in range(minima.first, len(states)):
                answers[number] = torch.where(reached[:, None, None], minimum, answers[number])
        at = [grid[stop] for stop in self.student_times]
        noises = [eps_hat(*given) for given in zip(states, answers, at, strict=True)]
        ts = [x_s.new_full((len(x_s),), level.t) for level in at]
        x_0, eps, t = (torch.stack(part, dim=1).flatten(0, 1) for part in (answers, noises, ts))
        return DistillationTargets(x_0, eps, t, reached)
