"""What denoising tasks share: they differ in how a `Draw` is made, and learn from it and validate alike."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor

from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.training.clipping import NoiseLevelClipping
from molediff.training.clock import Clock
from molediff.training.draw import Batch, Draw, ValidationNoise
from molediff.training.optimized import OptimizedTask


class DenoisingTask(OptimizedTask):
    """Denoising score matching of a `DiffusionModel` at pairs of data and noise that a subclass draws.

    Each step encodes every sample's condition once and uses it for all pairs of the sample, since for a conditional
    model the encoding can cost as much as the rest.

    Args:
        model: the model to train; its path, target, space and scale are used.
        objective: a `DenoisingScoreMatching` with the model's path and target.
        clock: the bounds of the run, which the learning rate follows.
        num_draws: pairs of a sample in a step.
        num_validation_draws: pairs of a validation sample, of the same noise every time.
        output_clipping: bounds the gradient that each draw sends into the network, by its noise level; None: no bound.
        **settings: of `OptimizedTask`.
    """

    def __init__(
        self,
        model: DiffusionModel,
        objective: DenoisingScoreMatching,
        clock: Clock,
        num_draws: int,
        num_validation_draws: int,
        output_clipping: NoiseLevelClipping | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(model, clock, **settings)
        self.model: DiffusionModel = model
        self.objective = objective
        self.num_draws = num_draws
        self.num_validation_draws = num_validation_draws
        self.output_clipping = output_clipping
        self.validation_noise = ValidationNoise(self.seed)

    @abstractmethod
    def draw(self, batch: Batch) -> Draw:
        """The pairs of a training step, whose random numbers come from `self.generator`."""

    @abstractmethod
    def validation_draw(self, batch: Batch) -> Draw:
        """The pairs of a validation step, whose random numbers come from `self.validation_noise`."""

    def losses(self, draw: Draw, objective: DenoisingScoreMatching | None = None) -> Tensor:
        """Loss of each pair, shape (n repeats,), by `objective`; None: that of the task."""
        objective = self.objective if objective is None else objective
        encoded = self.model.encode(draw.condition, draw.repeats)
        x_t = self.model.path.noised(draw.x_0, draw.eps, draw.t)
        pred = self.model.predict(x_t, draw.t, encoded)
        if self.output_clipping is not None and pred.requires_grad:
            weight, clip = objective.target_weight(draw.t), self.output_clipping
            pred.register_hook(lambda gradient: clip(gradient, weight))
        return objective.loss(pred, draw.x_0, draw.eps, draw.t, draw.mask)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean loss of the pairs drawn for the batch."""
        draw = self.draw(batch)
        losses = self.losses(draw)
        self.objective.density.update(draw.t, losses, self.model.path)
        return self.counted(draw.mean(losses), draw.num_samples)

    def on_validation_epoch_start(self) -> None:
        """Begin with the noise of the first sample again."""
        self.validation_noise.restart()
