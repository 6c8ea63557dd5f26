"""What can be asked of the conformer generator, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from molediff.core.path import Path
from molediff.core.solvers import (
    DDIM,
    Ancestral,
    DPMSolverPP2M,
    EulerMaruyama,
    Heun,
    Solver,
    central_lambda,
    karras,
    uniform_lambda,
    uniform_t,
    with_final_denoising,
)

Grid = Callable[[Path, int], Tensor]

SOLVERS: Mapping[str, type[Solver]] = {
    "dpmpp_2m": DPMSolverPP2M,
    "ddim": DDIM,
    "heun": Heun,
    "euler_maruyama": EulerMaruyama,
    "ancestral": Ancestral,
}
GRIDS: Mapping[str, Grid] = {
    "central_lambda": central_lambda,
    "uniform_lambda": uniform_lambda,
    "uniform_t": uniform_t,
    "karras": karras,
}


@dataclass(frozen=True)
class GenerationOptions:
    """Settings of a call; see `ConformerGenerator.generate_many` for what each means.

    Raises:
        ValueError: a setting is out of range; the message names it and what is allowed.
    """

    num_conformers: int
    seed: int
    solver: str | Solver
    num_steps: int
    eta: float | None
    grid: str | Grid
    batch_atoms: int
    max_attempts: int
    lookahead: int
    relax: str | None
    energies: str | None
    prune_rmsd: float | None
    trajectory: bool

    def __post_init__(self) -> None:
        for name in ("num_conformers", "num_steps", "batch_atoms", "max_attempts", "lookahead"):
            _check_whole_number(name, getattr(self, name), least=1)
        _check_whole_number("seed", self.seed, least=0)
        _check_word("relax", self.relax, (None, "mmff"))
        _check_word("energies", self.energies, (None, "mmff"))
        if self.prune_rmsd is not None and not self.prune_rmsd > 0:
            raise ValueError(
                f"prune_rmsd must be a distance above 0 in Angstrom, or None; got {self.prune_rmsd!r}."
            )
        make_solver(self.solver, self.eta)
        if not callable(self.grid):
            _check_word("grid", self.grid, tuple(GRIDS))

    def make_solver(self) -> Solver:
        """The solver asked for."""
        return make_solver(self.solver, self.eta)

    def times(self, path: Path) -> Tensor:
        """Grid of num_steps + 1 times, the last 0: the result is the network's last estimate of x_0, free of
        noise.
        """
        if self.num_steps == 1:
            return torch.tensor([path.t_max, 0.0], dtype=torch.float64)
        grid = self.grid if callable(self.grid) else GRIDS[self.grid]
        return with_final_denoising(grid(path, self.num_steps - 1))


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
    if not isinstance(solver, str) or solver not in SOLVERS:
        raise ValueError(
            f"solver must be one of {', '.join(SOLVERS)}, or a molediff.core solver; got {solver!r}."
        )
    if eta is None:
        return SOLVERS[solver]()
    if solver not in ("ddim", "euler_maruyama"):
        raise ValueError(
            f"solver={solver!r} has no eta (got {eta}): leave it out, or use 'ddim' or 'euler_maruyama'."
        )
    return DDIM(eta=eta) if solver == "ddim" else EulerMaruyama(eta=eta)


def _check_whole_number(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}.")


def _check_word(name: str, value: Any, allowed: tuple[str | None, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; got {value!r}.")
