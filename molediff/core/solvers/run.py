"""One call of a solver: what every step needs, and what keeps samples independent of each other."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from molediff.core.generators import Generators
from molediff.core.geometry.space import NoiseSpace
from molediff.core.model import Denoiser
from molediff.core.paths import Path, expand_like
from molediff.core.solvers.noise_level import NoiseLevel


class Step(NamedTuple):
    """What a callback sees of a step: samples `x_t` (n, ...) at time `t`, the estimate `x_0_hat` (n, ...) made
    there, and the network evaluations so far. A sample that has failed is NaN."""

    x_t: Tensor
    x_0_hat: Tensor
    t: float
    num_evaluations: int

    @property
    def x0_hat(self) -> Tensor:
        """Former name of `x_0_hat`."""
        warnings.warn("Step.x0_hat is now x_0_hat.", DeprecationWarning, stacklevel=2)
        return self.x_0_hat


Callback = Callable[[Step], None]


@dataclass
class SolverRun:
    """Counts evaluations, draws noise, and keeps a sample whose estimate is not finite from harming others.

    Attributes:
        denoiser, path, generators, space, mask: as given to `Solver.sample`.
        like: the initial state, for its shape, device and dtype.
        grid: the path at all times of the grid.
        num_evaluations: of the denoiser, so far.
        alive: (n,), false for samples that have failed.
    """

    denoiser: Denoiser
    path: Path
    generators: Generators | None
    space: NoiseSpace
    mask: Tensor | None
    like: Tensor
    grid: list[NoiseLevel]
    num_evaluations: int = 0
    alive: Tensor = field(init=False)

    @property
    def num_steps(self) -> int:
        """Steps of the grid."""
        return len(self.grid) - 1

    def __post_init__(self) -> None:
        self.alive = torch.ones(len(self.like), dtype=torch.bool, device=self.like.device)

    def denoise(self, x: Tensor, s: NoiseLevel) -> Tensor:
        """Estimate x_0 at noise level `s`, projected onto the space.

        A sample that has failed is estimated as 0 from then on, so that the denoiser never sees a NaN of ours.
        """
        return self.denoise_at(x, torch.full((len(x),), s.t, dtype=x.dtype, device=x.device))

    def denoise_at(self, x: Tensor, t: Tensor) -> Tensor:
        """The same, each sample at a time of its own, `t` (n,)."""
        self.num_evaluations += 1
        x_0_hat = self.space.project(self.denoiser(x, t).to(x.dtype), self.mask)
        self.alive = self.alive & x_0_hat.flatten(1).isfinite().all(1)
        return torch.where(expand_like(self.alive, x_0_hat), x_0_hat, 0.0)

    def noise(self) -> Tensor:
        """Draw a unit normal of the space, each sample from its own generator."""
        like = self.like
        return self.space.sample(like.shape, self.generators, self.mask, like.device, like.dtype)

    def noised(self, mean: Tensor, std: float) -> Tensor:
        """Add noise of standard deviation `std` to `mean`."""
        return mean + std * self.noise() if std > 0 else mean

    def shown(self, x: Tensor) -> Tensor:
        """Return `x` (n, ...) with failed samples as NaN."""
        return torch.where(expand_like(self.alive, x), x, math.nan)

    def finish(self, x: Tensor) -> Tensor:
        """Return the last state, with failed samples as NaN and one warning that names them."""
        self.alive = self.alive & x.flatten(1).isfinite().all(1)
        if not bool(self.alive.all()):
            failed = (~self.alive).nonzero().flatten().tolist()
            message = f"Samples {failed} became NaN or infinite on the way and are returned as NaN."
            warnings.warn(message, stacklevel=4)
        return self.shown(x)
