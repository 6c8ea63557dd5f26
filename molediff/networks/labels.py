"""The class labels that images are conditioned on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Labels:
    """One class label a sample, or none.

    Attributes:
        index: number of the class, int64, shape (n,); `NONE` where a sample has no label.
    """

    NONE = -1

    index: Tensor

    @classmethod
    def of(cls, label: int | None, num: int, device: torch.device | str | None = None) -> Labels:
        """The same label `num` times; None: no label."""
        return cls(torch.full((num,), cls.NONE if label is None else label, device=device))

    def __len__(self) -> int:
        return len(self.index)

    def to(self, device: torch.device | str) -> Labels:
        """The same labels on another device."""
        return Labels(self.index.to(device))

    def repeat(self, num: int) -> Labels:
        """Each label `num` times in a row, as the draws of one sample follow each other; Tensor.repeat would tile."""
        return Labels(self.index.repeat_interleave(num))

    def without(self, dropped: Tensor) -> Labels:
        """The labels with those of `dropped` (n,) replaced by none, as classifier-free guidance is trained."""
        return Labels(self.index.masked_fill(dropped.to(self.index.device), self.NONE))
