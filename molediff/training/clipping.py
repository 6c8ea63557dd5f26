"""Gradient clipping: of the whole gradient of a step, fixed or adaptive, and of what each noise level sends back."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Clipping(Protocol):
    """Chooses the largest gradient norm of a step from the norm that came, and remembers what it needs."""

    def threshold(self, norm: float) -> float: ...

    def state_dict(self) -> dict[str, list[float]]: ...

    def load_state_dict(self, state: dict[str, list[float]]) -> None: ...


@dataclass(frozen=True)
class FixedClipping:
    """The same largest norm at every step; infinity switches clipping off."""

    max_norm: float = 1.0

    def threshold(self, norm: float) -> float:
        """The largest norm allowed in this step; `norm` is the one that came."""
        return self.max_norm

    def state_dict(self) -> dict[str, list[float]]:
        """Nothing to remember."""
        return {}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Nothing to restore."""


class AdaptiveClipping:
    """1.5 times the mean plus 2 standard deviations of the last 50 norms, as the code of Hoogeboom et al. 2022 (EDM).

    A norm enters the record as it was clipped, so that one outlier does not open the gate for the next.

    Args:
        mean_factor, deviation_factor: the two factors above.
        length: number of norms remembered.
        first_norm: the record of a run that has not begun; high, so that the first steps pass as they are.
    """

    def __init__(
        self,
        mean_factor: float = 1.5,
        deviation_factor: float = 2.0,
        length: int = 50,
        first_norm: float = 10.0,
    ) -> None:
        self.mean_factor = mean_factor
        self.deviation_factor = deviation_factor
        self._norms: deque[float] = deque([first_norm], maxlen=length)

    def threshold(self, norm: float) -> float:
        """The largest norm allowed in this step; `norm` is the one that came."""
        mean = sum(self._norms) / len(self._norms)
        variance = sum((value - mean) ** 2 for value in self._norms) / len(self._norms)
        largest = self.mean_factor * mean + self.deviation_factor * math.sqrt(variance)
        self._norms.append(min(norm, largest))
        return largest

    def state_dict(self) -> dict[str, list[float]]:
        """The norms remembered."""
        return {"norms": list(self._norms)}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Restore the norms remembered."""
        self._norms = deque(state["norms"], maxlen=self._norms.maxlen)


@dataclass(frozen=True)
class NoiseLevelClipping:
    """Bounds the gradient of each draw's loss by a threshold inverse to its loss weight.

    Where the weight is large, a single bad draw would set the direction of the whole step. The gradient clipped is that
    of a draw's own loss with respect to the network's output, before the network mixes it with the others.

    Attributes:
        max_norm: threshold at the mean weight of the batch.
    """

    max_norm: float = 1.0

    def __call__(self, gradient: Tensor, weight: Tensor) -> Tensor:
        """Clip `gradient` (n, ...) of a mean over n draws, whose loss weights are `weight` (n,)."""
        norm = gradient.flatten(1).norm(dim=1) * len(gradient)
        largest = self.max_norm * weight.mean() / weight
        factor = (largest / norm.clamp(min=1e-12)).clamp(max=1.0)
        return gradient * factor.reshape(-1, *(1,) * (gradient.dim() - 1)).to(gradient.dtype)
