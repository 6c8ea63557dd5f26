"""How the weights of a model of conformers are meant to be sampled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molediff.core.solvers import DDIM, AtLambdas, Solver
from molediff.sampling.options import Grid


@dataclass(frozen=True)
class SamplingPlan:
    """The default solver, steps and grid of weights.

    Attributes:
        solver, num_steps, grid, init: see `Sampling`.
    """

    solver: str | Solver = "dpmpp_2m_low_temperature"
    num_steps: int = 5
    grid: str | Grid = "central_lambda"
    init: str | None = None

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> SamplingPlan:
        """The plan in the metadata of weights. Distilled ones know the jumps of one grid; others have no plan of their
        own."""
        found = metadata.get("sampling")
        if found is None:
            return cls()
        lambdas = tuple(map(float, found["lambdas"]))
        return cls(str(found["solver"]), len(lambdas), AtLambdas(lambdas), found.get("init"))

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
                or something to begin with for weights that begin with noise.
        """
        if init is not None and self.init is None:
            raise ValueError(
                f"These weights begin with noise, not with structures: leave init={init!r} out, or use weights that "
                "refine, such as 'drugs'."
            )
        plan = SamplingPlan(
            self.solver if solver is None else solver,
            self.num_steps if num_steps is None else num_steps,
            self.grid if grid is None else grid,
            self.init if init is None else init,
        )
        if grid is not None or not isinstance(plan.grid, AtLambdas):
            return plan
        if plan.num_steps != len(plan.grid.lambdas) or plan.solver not in ("ddim", DDIM()):
            raise ValueError(
                f"These weights were distilled to jump along a grid of {len(plan.grid.lambdas)} steps: leave solver "
                'and num_steps out, or name a grid, such as "central_lambda", for others; got '
                f"solver={plan.solver!r} and num_steps={plan.num_steps}."
            )
        return plan
