"""What a step of training is made of: a batch of the loader, and the pairs of data and noise drawn for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.model import Condition
from molediff.sampling.seeds import numbered_generator

Batch = tuple[Tensor, Condition | None, Tensor | None]
"""What loaders yield: x_0 in data units (n, ..., d), the condition of the samples, and their mask (n, N); None for no
condition, and for a mask where nothing is padded."""


@dataclass(frozen=True)
class Draw:
    """Pairs of data and noise to learn from: `repeats` of each of n samples, next to each other.

    Attributes:
        x_0: data in model units, shape (n repeats, ...).
        eps: their noise, shape (n repeats, ...).
        t: their times, shape (n repeats,).
        condition: of the n samples, not encoded.
        mask: true for real rows, shape (n repeats, N).
        repeats: pairs of each sample.
        weight: of each loss in the mean, shape (n repeats,), its own mean 1; None: all alike.
    """

    x_0: Tensor
    eps: Tensor
    t: Tensor
    condition: Condition | None
    mask: Tensor | None
    repeats: int
    weight: Tensor | None = None

    @property
    def num_samples(self) -> int:
        """Number n of samples."""
        return len(self.t) // self.repeats

    def mean(self, losses: Tensor) -> Tensor:
        """Mean of `losses` (n repeats,) with their weights."""
        return losses.mean() if self.weight is None else (self.weight.to(losses) * losses).mean()


class ValidationNoise:
    """The random numbers of a validation: sample i of the loader has the same every time, whatever the batches.

    Args:
        seed: of the numbers.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._num_seen = 0

    def restart(self) -> None:
        """Begin with the first sample of the loader."""
        self._num_seen = 0

    def draw(self, x_0: Tensor, draws: int) -> tuple[Tensor, Tensor]:
        """Random numbers of the next samples.

        Args:
            x_0: the samples, shape (n, ...), for their number and shape.
            draws: of each sample.

        Returns:
            Unit normals (n draws, ...), and numbers (n draws,) in [0, 1), one of each of `draws` equal slices for each
            sample.
        """
        normals, uniform = [], []
        for i in range(self._num_seen, self._num_seen + len(x_0)):
            generator = numbered_generator(self.seed, i, key=b"validation")
            uniform.append((torch.arange(draws) + torch.rand(1, generator=generator)) / draws)
            normals.append(torch.randn((draws, *x_0.shape[1:]), generator=generator))
        self._num_seen += len(x_0)
        return torch.cat(normals).to(x_0.device), torch.cat(uniform).to(x_0.device)


def repeated(mask: Tensor | None, repeats: int) -> Tensor | None:
    """Each row of `mask` (n, N) `repeats` times in a row."""
    return None if mask is None else mask.repeat_interleave(repeats, dim=0)
