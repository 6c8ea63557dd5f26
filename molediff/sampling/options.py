"""What every generator can be asked: the solver, its steps, their grid, the device. Checked before any computing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from molediff.core.paths import Path
from molediff.core.solvers import (
    FORMER_SOLVERS,
    SOLVERS,
    AtLambdas,
    Solver,
    central_lambda,
    karras,
    solver_named,
    uniform_lambda,
    uniform_t,
    with_final_denoising,
)
from molediff.runtime.checks import check_whole_number, check_word

Grid = Callable[[Path, int], Tensor]

GRIDS: Mapping[str, Grid] = {
    "central_lambda": central_lambda,
    "uniform_lambda": uniform_lambda,
    "uniform_t": uniform_t,
    "karras": karras,
}


@dataclass(frozen=True)
class SolverOptions:
    """How noise is taken to samples.

    Attributes:
        solver: one of `SOLVERS` by name, or a solver of `molediff.core.solvers`.
        num_steps: solver steps, the last of them to t = 0.
        eta: noise on the way of a solver that has it, such as "ddim" (0: ODE, 1: SDE); None: the solver's own.
        grid: spacing of the steps, one of `GRIDS` by name, or a function (path, steps) -> times.
        solver_object: the solver that these make.

    Raises:
        ValueError: a setting is out of range; the message names it and what is allowed.
    """

    solver: str | Solver
    num_steps: int
    eta: float | None
    grid: str | Grid
    solver_object: Solver = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_whole_number("num_steps", self.num_steps, least=1)
        eta: Any = self.eta
        if isinstance(eta, np.generic):  # as Python's own, so that records name the same solver
            object.__setattr__(self, "eta", eta.item())
        object.__setattr__(self, "solver_object", make_solver(self.solver, self.eta))
        if not callable(self.grid):
            check_word("grid", self.grid, tuple(GRIDS))

    def times(self, path: Path) -> Tensor:
        """Grid of num_steps + 1 times, the last 0: the result is the network's last estimate of x_0, free of noise."""
        if self.num_steps == 1 and not isinstance(self.grid, AtLambdas):
            return torch.tensor([path.t_max, 0.0], dtype=torch.float64)
        grid = self.grid if callable(self.grid) else GRIDS[self.grid]
        times = grid(path, self.num_steps - 1)
        if not isinstance(times, Tensor) or times.ndim != 1:
            shape = f" of shape {tuple(times.shape)}" if isinstance(times, Tensor) else ""
            raise ValueError(
                f"grid must give a tensor of falling times, one more than steps; got {type(times).__name__}{shape}."
            )
        return with_final_denoising(times)


def make_solver(solver: str | Solver, eta: float | None) -> Solver:
    """The solver of this name, or the one given; `eta` only where the solver has it.

    Raises:
        ValueError: an unknown name, or an `eta` where it means nothing.
    """
    if isinstance(solver, Solver):
        if eta is not None:
            raise ValueError(
                f"eta={eta} and a solver object: set eta in the object, {type(solver).__name__}(eta=...)."
            )
        return solver
    if not isinstance(solver, str) or solver not in {*SOLVERS, *FORMER_SOLVERS}:
        raise ValueError(
            f"solver must be one of {', '.join(SOLVERS)}, or a molediff.core solver; got {solver!r}."
        )
    return solver_named(solver, eta)
