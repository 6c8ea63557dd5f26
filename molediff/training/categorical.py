"""Training of categorical models: what was masked is told from what was not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from molediff.core.discrete.model import CategoricalModel
from molediff.core.discrete.objective import any_order_loss, masked_at_random
from molediff.core.model import mask_of
from molediff.sampling.seeds import numbered_generator
from molediff.training.clock import Clock
from molediff.training.draw import Batch
from molediff.training.optimized import OptimizedTask


class CategoricalTask(OptimizedTask):
    """Cross entropy of masked entries, weighted to a bound of -log p(x_0) (see `core.discrete.any_order_loss`).

    Batches are states (n, T) and what they are conditioned on, whose mask (n, T) tells padding.

    Args:
        model: the model to train.
        clock: the bounds of the run.
        num_validation_draws: maskings of a validation sample, the same every time.
        **settings: of `OptimizedTask`.
    """

    def __init__(
        self, model: CategoricalModel, clock: Clock, num_validation_draws: int = 4, **settings: Any
    ) -> None:
        super().__init__(model, clock, **settings)
        self.model: CategoricalModel = model
        self.num_validation_draws = num_validation_draws
        self._validated: list[Tensor] = []
        self._num_validated = 0

    def losses(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Bound of -log p(x_0) of each sample in nats, from one masking, shape (n,)."""
        x_0, condition, _ = batch
        real = mask_of(condition)
        real = torch.ones_like(x_0, dtype=torch.bool) if real is None else real
        # Drawn on the CPU, so that a seed means the same on every device.
        masked = masked_at_random(real.cpu(), generator).to(x_0.device, non_blocking=True)
        x_t = x_0.masked_fill(masked, self.model.process.mask_state)
        t = masked.sum(1) / real.sum(1)
        condition = self._told(condition, generator)
        logits = self.model.logits(x_t, t.clamp(self.model.path.t_min, self.model.path.t_max), condition)
        return any_order_loss(logits, x_0, masked, real)

    def _told(self, condition: Any, generator: torch.Generator) -> Any:
        """The condition with some of its properties: none, one, ... or all of them, equally often."""
        values = getattr(condition, "properties", None)
        if values is None:
            return condition
        share = torch.rand(len(values), 1, generator=generator)
        return condition.told((torch.rand(values.shape, generator=generator) < share).to(values.device))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean loss in nats an entry."""
        loss = self.losses(batch, self.generator).mean() / batch[0].shape[1]
        return self.counted(loss, len(batch[0]))

    def on_validation_epoch_start(self) -> None:
        """Forget the losses of the last validation."""
        self._validated, self._num_validated = [], 0

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Losses at maskings that are the same every time."""
        for draw in range(self.num_validation_draws):
            generator = numbered_generator(self.seed, self._num_validated, draw, key=b"validation")
            self._validated.append(self.losses(batch, generator))
        self._num_validated += 1

    def on_validation_epoch_end(self) -> None:
        """Log the bound of -log p(x_0) in nats a sample."""
        if self._validated:
            self.log_now({"val/loss": float(torch.cat(self._validated).mean())})
