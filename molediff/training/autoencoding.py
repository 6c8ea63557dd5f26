"""Training of an autoencoder."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from molediff.networks.autoencoder import Autoencoder
from molediff.training.clock import Clock
from molediff.training.draw import Batch
from molediff.training.optimized import OptimizedTask


class AutoencoderTask(OptimizedTask):
    """Mean squared error of the images, and a little of the latents' divergence from the unit normal.

    The sum is a bound of the likelihood of images with normal noise of variance s^2 about what is decoded, times 2 s^2
    over the number of pixels (Kingma and Welling 2014, eq. 10), where kl_weight = 2 s^2 latents / pixels.

    Batches are images (n, channels, size, size) in [-1, 1]; a condition and a mask are ignored.

    Args:
        model: the autoencoder.
        clock: the bounds of the run.
        kl_weight: of the Kullback-Leibler divergence, in nats a latent.
        **settings: of `OptimizedTask`.
    """

    divides_batches = True

    def __init__(self, model: Autoencoder, clock: Clock, kl_weight: float = 1e-3, **settings: Any) -> None:
        super().__init__(model, clock, **settings)
        self.model: Autoencoder = model
        self.kl_weight = kl_weight
        self._validated: list[Tensor] = []

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean loss of the batch."""
        x = batch[0]
        shape = self.model.latent_shape
        noise = self.drawn(lambda n: torch.randn((n, *shape), generator=self.generator), len(x))
        again, mean, log_variance = self.model(x, noise.to(self.device))
        loss = (again - x).square().mean() + self.kl_weight * divergence(mean, log_variance).mean()
        return self.counted(loss, len(x))

    def on_validation_epoch_start(self) -> None:
        """Forget the errors of the last validation."""
        self._validated = []

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Squared error of images decoded from the means of their latents, and the divergence."""
        x = batch[0]
        mean, log_variance = self.model.encode(x)
        error = (self.model.decode(mean) - x).square().flatten(1).mean(1)
        self._validated.append(torch.stack([error, divergence(mean, log_variance).flatten(1).mean(1)], dim=1))

    def on_validation_epoch_end(self) -> None:
        """Log the loss, the root mean square error in units of the grey range, and the divergence in nats a latent."""
        if self._validated:
            error, nats = torch.cat(self._validated).mean(0).tolist()
            self.log_now(
                {
                    "val/loss": error + self.kl_weight * nats,
                    "val/rms_error": math.sqrt(error) / 2,
                    "val/divergence": nats,
                }
            )


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of N(mean, exp(log_variance)) from the unit normal, entry by entry, in nats."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
