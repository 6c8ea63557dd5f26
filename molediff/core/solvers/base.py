"""What all solvers share: one signature and one loop over the grid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from molediff.core.generators import Generators
from molediff.core.geometry.space import FullSpace, NoiseSpace
from molediff.core.model import Denoiser
from molediff.core.paths import Path
from molediff.core.solvers.checks import check_times
from molediff.core.solvers.noise_level import NoiseLevel, noise_levels
from molediff.core.solvers.run import Callback, SolverRun, Step

History = list[tuple[NoiseLevel, Tensor]]
"""Earlier noise levels and the estimates of x_0 made there, the latest last."""


class Solver(ABC):
    """Takes noise to samples along a grid of times.

    Attributes:
        order: global order of convergence: of every path for an ODE solver, of moments (weak) for a stochastic one.
    """

    order: ClassVar[int]

    @property
    def stochastic(self) -> bool:
        """Whether noise is added on the way."""
        return False

    @torch.no_grad()
    def sample(
        self,
        denoiser: Denoiser,
        path: Path,
        times: Tensor,
        x_1: Tensor,
        generators: Generators | None = None,
        space: NoiseSpace = FullSpace(),  # noqa: B008 (frozen and empty)
        mask: Tensor | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """Draw samples.

        Args:
            denoiser: function (x_t, t) -> estimate of x_0; x_t (n, ...), t (n,).
            path: path that the denoiser was made for.
            times: descending grid of steps + 1 values, see `grids`. A last step to t = 0, where there is no noise,
                returns x_0_hat.
            x_1: state at times[0], shape (n, ...): sigma(times[0]) times unit noise of the space. On
                variance-preserving paths that sigma is 1.
            generators: one a sample, for stochastic solvers: sample i depends on the i-th of them alone,
                whatever its batch mates. None: torch's global generator.
            space: space of noise and samples.
            mask: (n, N), true for real rows of x_1 (n, N, d); padding comes back as zeros.
            callback: called after each step with a `Step`.

        Returns:
            State at times[-1], shape (n, ...). A sample for which the denoiser gave anything not finite is
            all NaN, with a warning; the others do not notice.

        Raises:
            ValueError: the grid is empty, does not descend or leaves the path's interval.
        """
        check_times(path, times)
        grid = noise_levels(path, times)
        run = SolverRun(denoiser, path, generators, space, mask, x_1, grid)
        x = space.project(x_1, mask)
        history: History = []
        for s, t in pairwise(grid):
            x_s = x
            x, x_0_hat = self.step(run, x_s, s, t, history)
            if callback is not None:
                callback(Step(run.shown(x_s), run.shown(x_0_hat), s.t, run.num_evaluations))
        return run.finish(x)

    @abstractmethod
    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        """Advance `x` (n, ...) from noise level `s` to `t`, at a lower time.

        Args:
            run: evaluates the denoiser and draws noise.
            x: state at `s`.
            s: noise level to leave.
            t: noise level to reach.
            history: for multistep solvers to read and extend; empty at first.

        Returns:
            The state at `t`, and the estimate of x_0 made at `s`.
        """
