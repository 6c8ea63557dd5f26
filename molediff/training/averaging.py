"""The moving average of the weights, which is what is validated, sampled from and shipped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch import Tensor


class ExponentialMovingAverage(EMAWeightAveraging):
    """Lightning's `EMAWeightAveraging` with a warm-up of the decay and one fused update for all tensors.

    At update n the decay is min(decay, (1 + n) / (10 + n)), so that the average forgets the initial weights soon.
    """

    def __init__(self, decay: float = 0.999) -> None:
        super().__init__(decay=decay, use_buffers=False)

        def update(averaged: list[Tensor], current: list[Tensor], num_averaged: Tensor) -> None:
            num = int(num_averaged)
            torch._foreach_lerp_(averaged, current, 1.0 - min(decay, (1.0 + num) / (10.0 + num)))

        self._kwargs = {"multi_avg_fn": torch.no_grad()(update)}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Move the average to where the model is: Lightning makes it before the model is moved."""
        assert self._average_model is not None
        self._average_model.to(pl_module.device)

    @contextlib.contextmanager
    def swapped(self, pl_module: pl.LightningModule) -> Iterator[None]:
        """Inside the context `pl_module` has the averaged weights."""
        self._swap_models(pl_module)
        try:
            yield
        finally:
            self._swap_models(pl_module)
