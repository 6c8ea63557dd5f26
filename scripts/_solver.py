"""The solver that configs/solver/ and `eta` describe."""

from __future__ import annotations

from dataclasses import fields, replace

from _cli import DictConfig
from hydra.utils import instantiate

from molediff.core.solvers import Solver


def build_solver(config: DictConfig) -> Solver | None:
    """The solver of the config group, with the noise `config.eta` unless that is null; None for that of the weights.

    Raises:
        ValueError: the solver has no such noise.
    """
    solver: Solver | None = instantiate(config.solver.solver)
    if config.eta is None:
        return solver
    if solver is None:
        raise ValueError(f"eta={config.eta} needs solver=ddim or solver=euler_maruyama")
    if "eta" not in {field.name for field in fields(solver) if field.init}:  # type: ignore[arg-type]
        raise ValueError(
            f"{type(solver).__name__} has no eta (got {config.eta}): leave eta out, or take solver=ddim or "
            "solver=euler_maruyama"
        )
    return replace(solver, eta=config.eta)  # type: ignore[type-var]
