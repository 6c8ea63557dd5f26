"""What a user can set of drawing images beside how many and which: two groups, with every default in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molediff.core.solvers import Solver
from molediff.sampling.options import Grid, SolverOptions
from molediff.sampling.settings import gather


@dataclass(frozen=True)
class Sampling:
    """How noise becomes images.

    Attributes:
        solver: "dpmpp_2m", "ddim", "heun", "euler_maruyama", "ancestral", or a solver of `molediff.core.solvers`.
        num_steps: solver steps; one network evaluation each (Heun: two).
        eta: noise of "ddim" and "euler_maruyama" (0: ODE, 1: SDE); None: the solver's own.
        grid: spacing of the steps, "uniform_lambda", "central_lambda", "uniform_t", "karras", or a function
            (path, steps) -> times.
    """

    solver: str | Solver = "dpmpp_2m"
    num_steps: int = 20
    eta: float | None = None
    grid: str | Grid = "uniform_lambda"


@dataclass(frozen=True)
class Limits:
    """What a call may use of the machine.

    Attributes:
        batch_size: images at a time. It bounds memory.
    """

    batch_size: int = 256


def read_settings(
    sampling: Sampling | None, limits: Limits | None, words: Mapping[str, Any]
) -> tuple[SolverOptions, int]:
    """The solver with its steps, and the batch size, of groups or of single words.

    Raises:
        TypeError: a word is no setting.
        ValueError: a setting is out of range, or given twice.
    """
    kinds = {"sampling": Sampling, "limits": Limits}
    groups, call = {"sampling": sampling, "limits": limits}, "generate and trajectory"
    found = gather(kinds, groups, words, "molediff.images", call, ("label", "guidance"))
    batch_size = found.pop("batch_size")
    return SolverOptions(**found), batch_size
