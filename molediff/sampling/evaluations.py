"""How many network evaluations a solver takes, found by running it."""

from __future__ import annotations

import torch

from molediff.core.generators import Generators
from molediff.core.paths import Path
from molediff.core.solvers import Solver, Step
from molediff.sampling.options import Grid, SolverOptions


def count_evaluations(solver: Solver, grid: str | Grid, path: Path, num_steps: int) -> int:
    """Evaluations of the network for one sample.

    Args:
        solver: whatever it does between and within the steps.
        grid: spacing of the steps; see `SolverOptions`.
        path: of the model.
        num_steps: as the generators are asked for it.
    """
    times = SolverOptions(solver, num_steps, None, grid).times(path)
    steps: list[Step] = []
    solver.sample(lambda x, t: 0.0 * x, path, times, torch.ones(1, 1), Generators([0]), callback=steps.append)
    return steps[-1].num_evaluations


def steps_within(solver: Solver, grid: str | Grid, path: Path, num_evaluations: int) -> tuple[int, int]:
    """The most steps that take at most so many evaluations, and the evaluations that they take.

    Raises:
        ValueError: even one step takes more.
    """
    low, high = 1, num_evaluations
    if (least := count_evaluations(solver, grid, path, 1)) > num_evaluations:
        raise ValueError(f"{solver} takes {least} evaluations at least; got {num_evaluations}")
    while low < high:
        middle = (low + high + 1) // 2
        if count_evaluations(solver, grid, path, middle) <= num_evaluations:
            low = middle
        else:
            high = middle - 1
    return low, count_evaluations(solver, grid, path, low)
