"""How the weights of a model of conformers are meant to be sampled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from molediff.core.solvers import DDIM, AtLambdas, Solver
from molediff.runtime.words import counted
from molediff.sampling.options import Grid


@dataclass(frozen=True)
class SamplingPlan:
    """The default solver, steps and grid of weights.

    Attributes:
        solver, num_steps, grid, init: see `Sampling`.
        grids: of weights that refine: their own by what they begin with, and under None for any other start.
    """

    solver: str | Solver = "dpmpp_2m_low_temperature"
    num_steps: int = 5
    grid: str | Grid = "central_lambda"
    init: str | None = None
    grids: Mapping[str | None, AtLambdas] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> SamplingPlan:
        """The plan in the metadata of weights. Distilled ones know the jumps of one grid; others have no plan of their
        own."""
        found = metadata.get("sampling")
        if found is None:
            return cls()
        own = {None: found["lambdas"], **found.get("lambdas_by_init", {})}
        grids = {init: AtLambdas(tuple(map(float, lambdas))) for init, lambdas in own.items()}
        plan = cls(str(found["solver"]), init=found.get("init"), grids=grids)
        grid = plan._own_grid(plan.init)
        return replace(plan, num_steps=len(grid.lambdas), grid=grid)

    def _own_grid(self, init: str | None) -> AtLambdas:
        return self.grids.get(init, self.grids[None])

    def but(
        self, solver: str | Solver | None, num_steps: int | None, grid: str | Grid | None
    ) -> SamplingPlan:
        """The former name of `with_overrides`."""
        warnings.warn("SamplingPlan.but is now with_overrides", DeprecationWarning, stacklevel=2)
        return self.with_overrides(solver, num_steps, grid)

    def with_overrides(
        self,
        solver: str | Solver | None,
        num_steps: int | None,
        grid: str | Grid | None,
        init: str | None = None,
    ) -> SamplingPlan:
        """This plan with what is not None in its place.

        Raises:
            ValueError: another solver or number of steps on the grid of distilled weights, which know one jump a step;
                something to begin with for weights that begin with noise, or a grid that begins there for weights that
                refine.
        """
        if init is not None and self.init is None:
            raise ValueError(
                f"These weights begin with noise, not with structures: leave init={init!r} out, or use weights that "
                "refine, such as 'drugs'."
            )
        plan = self
        if init is not None and self.grids:
            own = self._own_grid(init)
            plan = replace(self, num_steps=len(own.lambdas), grid=own, init=init)
        plan = replace(
            plan,
            solver=plan.solver if solver is None else solver,
            num_steps=plan.num_steps if num_steps is None else num_steps,
            grid=plan.grid if grid is None else grid,
        )
        if plan.init is not None and not isinstance(plan.grid, AtLambdas):
            raise ValueError(
                "These weights refine structures and know little noise alone: leave grid out, or give the half "
                "log-SNRs of the evaluations, such as grid=AtLambdas((2.2,)) of molediff.core.solvers; got "
                f"grid={grid!r}."
            )
        if grid is not None or not isinstance(plan.grid, AtLambdas):
            return plan
        if plan.init is not None and (
            plan.num_steps != len(plan.grid.lambdas) or plan.solver not in ("ddim", DDIM())
        ):
            raise ValueError(
                f"These weights refine what init={plan.init!r} gives, in "
                f"{counted(len(plan.grid.lambdas), 'evaluation')}: leave solver and num_steps out; got "
                f"solver={plan.solver!r} and num_steps={plan.num_steps}."
            )
        if plan.num_steps != len(plan.grid.lambdas) or plan.solver not in ("ddim", DDIM()):
            raise ValueError(
                "These weights were distilled to jump along a grid of "
                f"{counted(len(plan.grid.lambdas), 'step')}: leave solver "
                'and num_steps out, or name a grid, such as "central_lambda", for others; got '
                f"solver={plan.solver!r} and num_steps={plan.num_steps}."
            )
        return plan
