"""The way of samples from noise to data, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from molediff.core.solvers import Step


@dataclass(frozen=True)
class Trajectory:
    """How n samples came out of noise, in the unit of the data.

    Attributes:
        times: where each of the S steps of the solver began, falling from 1 (noise) towards 0 (data), shape (S,): one
            time a step, also of solvers such as Heun's that evaluate the network again within a step.
        x_t: states at these times, shape (S, n, ...): in Angstrom (S, n, N, 3) for molecules, in the unit of the system
            (S, n, N, d) for particles, clipped to [0, 1] (S, n, height, width, channels) for images.
        x_0_hat: what the network took the samples to be at the beginning of each step, of the same shape. The last is
            what the solver returned.
    """

    times: np.ndarray
    x_t: np.ndarray
    x_0_hat: np.ndarray

    @classmethod
    def of(cls, steps: Sequence[Step], shown: Callable[[Tensor], np.ndarray]) -> Trajectory:
        """Of the steps that a solver called back with; `shown` takes states (n, ...) to arrays in the data's unit."""
        times = np.array([step.t for step in steps])
        x_t, x_0_hat = (
            np.stack([shown(x) for x in states])
            for states in ([step.x_t for step in steps], [step.x_0_hat for step in steps])
        )
        return cls(times, x_t, x_0_hat)
