"""Inpainting: part of the sample is given, a solver fills in the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.solvers.ancestral import Ancestral
from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.noise_level import NoiseLevel
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True, eq=False)
class Inpainting(Solver):
    """At each step the known part is put in at the right noise level, and the step repeated (Lugmayr et al.
    2022, algorithm 1).

    Repeating a step, down and up again with fresh noise, lets the free part come to terms with the known
    one. It is approximate: exact only in the limit of many repetitions. In the zero-centre-of-mass subspace
    the known points are known up to a translation, and follow the one that the sample gives them.

    Args:
        known: samples whose known entries are used, shape (n, ...), in model units.
        is_known: (n, ...) booleans, or (n, N, 1) for whole points.
        solver: one-step solver of the rest.
        num_repeats: times that each step is taken, 1 for no resampling.
    """

    known: Tensor
    is_known: Tensor
    solver: Solver = field(default_factory=Ancestral)
    num_repeats: int = 10
    order: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.num_repeats < 1:
            raise ValueError(f"num_repeats must be at least 1; got {self.num_repeats}.")

    @property
    def stochastic(self) -> bool:
        return True

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        for repeat in range(self.num_repeats):
            free, x_0_hat = self.solver.step(run, x, s, t, [])  # a repeated step has no past
            x_t = self._put_in(run, free, t)
            if repeat + 1 < self.num_repeats:
                # the forward process from t back up to s; its variance is sigma_s^2 - (alpha_s / alpha_t)^2 sigma_t^2
                std = s.sigma * math.sqrt(-math.expm1(2 * (s.lambda_ - t.lambda_)))
                x = run.noised((s.alpha / t.alpha) * x_t, std)
        return x_t, x_0_hat

    def _put_in(self, run: SolverRun, free: Tensor, t: NoiseLevel) -> Tensor:
        is_known = self.is_known.expand_as(free)
        known = run.noised(t.alpha * torch.where(is_known, self.known, 0.0).to(free), t.sigma)
        if isinstance(run.space, ZeroCentreOfMass):
            share = is_known.sum(1, keepdim=True).clamp(min=1)
            known = known + torch.where(is_known, free - known, 0.0).sum(1, keepdim=True) / share
        return run.space.project(torch.where(is_known, known, free), run.mask)
