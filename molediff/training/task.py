"""The Lightning module that trains a diffusion model: the same for molecules, particles and images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from molediff.core.guidance import drop_condition
from molediff.core.model import Condition, DiffusionModel, Droppable
from molediff.core.objective.coupling import Coupling, Independent
from molediff.core.objective.score_matching import DenoisingScoreMatching, Uniform
from molediff.training.clipping import NoiseLevelClipping
from molediff.training.clock import Clock
from molediff.training.denoising import DenoisingTask
from molediff.training.draw import Batch, Draw, repeated


class DiffusionTask(DenoisingTask):
    """Denoising score matching of data with noise drawn for them.

    All noise of the training comes from a generator of the task's own, which is kept in checkpoints.

    Args:
        model: the model to train; its path, target, space and scale are used.
        objective: a `DenoisingScoreMatching` with the model's path and target. A density that learns (`LossEqualizing`)
            is shown the losses of every step, and is kept in checkpoints; validation has uniform times in any case.
        clock: the bounds of the run, which the learning rate follows.
        coupling: pairs the data with the noise. `Independent` for an objective with a control variate.
        num_draws: noise draws a sample and step.
        drop_probability: fraction of samples that lose their condition in training, so that the network also learns to
            do without, as classifier-free guidance needs. For conditions that are `Droppable`.
        output_clipping: bounds the gradient that each draw sends into the network, by its noise level; None: no bound.
        num_validation_draws: noise draws a validation sample, fixed for the whole run.
        num_bins: number of bins of lambda in which the validation loss is given.
        **settings: of `OptimizedTask`.

    Raises:
        ValueError: a control variate together with a coupling that ties the noise to the data.
    """

    divides_batches = True

    def __init__(
        self,
        model: DiffusionModel,
        objective: DenoisingScoreMatching,
        clock: Clock,
        coupling: Coupling | None = None,
        num_draws: int = 4,
        drop_probability: float = 0.0,
        output_clipping: NoiseLevelClipping | None = None,
        num_validation_draws: int = 4,
        num_bins: int = 4,
        **settings: Any,
    ) -> None:
        super().__init__(
            model, objective, clock, num_draws, num_validation_draws, output_clipping, **settings
        )
        self.coupling = Independent() if coupling is None else coupling
        if objective.control_variate is not None and not isinstance(self.coupling, Independent):
            raise ValueError(
                "A control variate has mean zero where noise and data are independent alone: take coupling=independent "
                f"or another objective; got {self.coupling}."
            )
        self._validation_objective = replace(objective, density=Uniform())  # as its times are
        self.drop_probability = drop_probability
        self.num_bins = num_bins
        self._validated: list[tuple[Tensor, Tensor]] = []

    def on_fit_start(self) -> None:
        """Check that what learns from the losses sees all of them, and start the clock."""
        divided = self.trainer.world_size * self.trainer.accumulate_grad_batches > 1
        if divided and self.objective.density.state_dict():
            raise ValueError(
                f"{type(self.objective.density).__name__} learns from the losses of whole batches: take another "
                "density of times, or leave devices=, num_nodes= and accumulate= at 1."
            )
        super().on_fit_start()

    # Draws --------------------------------------------------------------------------------------------------------

    def draw(self, batch: Batch) -> Draw:
        """Each sample of the batch with `num_draws` noises and times, some samples without their condition."""
        x_0, condition, mask = batch
        if self.drop_probability and condition is not None:
            condition = self._without_some(condition, len(x_0))
        num = len(x_0) * self.num_draws
        t = self.drawn(lambda n: self.objective.sample_times(n, self.generator, self.device), num)
        # Drawn on the CPU, so that a seed means the same on every device.
        eps = self.drawn(lambda n: torch.randn((n, *x_0.shape[1:]), generator=self.generator), num)
        eps = eps.to(self.device, non_blocking=True)
        return self._paired((x_0, condition, mask), eps, t, self.num_draws)

    def validation_draw(self, batch: Batch) -> Draw:
        """Each sample with its own `num_validation_draws` noises and times, equally spaced."""
        path, draws = self.model.path, self.num_validation_draws
        eps, places = self.validation_noise.draw(batch[0], draws)
        return self._paired(batch, eps, path.t_min + (path.t_max - path.t_min) * places, draws)

    def _without_some(self, condition: Condition, num: int) -> Condition:
        if not isinstance(condition, Droppable):
            raise ValueError(
                f"Samples cannot go without their {type(condition).__name__}: take drop_probability=0."
            )
        dropped = self.drawn(lambda n: drop_condition(n, self.drop_probability, self.generator), num)
        return condition.without(dropped)

    def _paired(self, batch: Batch, eps: Tensor, t: Tensor, draws: int) -> Draw:
        """The batch with noise `eps` (n draws, ...), not yet in the model's space, at times `t` (n draws,)."""
        x_0, condition, mask = batch
        x_0 = self.model.from_data(x_0, mask).repeat_interleave(draws, dim=0)
        mask = repeated(mask, draws)
        eps = self.model.space.project(eps, mask)
        x_0 = self.coupling.for_condition(condition, draws)(x_0, eps, mask)
        return Draw(x_0, eps, t, condition, mask, draws)

    # Validation ---------------------------------------------------------------------------------------------------

    def on_validation_epoch_start(self) -> None:
        """Forget the losses of the last validation."""
        super().on_validation_epoch_start()
        self._validated = []

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Losses at fixed noise and uniform times."""
        draw = self.validation_draw(batch)
        self._validated.append((draw.t, self.losses(draw, self._validation_objective)))

    def on_validation_epoch_end(self) -> None:
        """Log the mean loss, over all draws and in each of `num_bins` equal bins of time, named by their lambda."""
        if not self._validated:
            return
        t, losses = map(torch.cat, zip(*self._validated, strict=True))
        metrics = {"val/loss": float(losses.mean())}
        path = self.model.path
        edges = torch.linspace(path.t_min, path.t_max, self.num_bins + 1, device=t.device)
        lambdas = path.lambda_(edges)
        for k in range(self.num_bins):
            inside = (t >= edges[k]) & (t < edges[k + 1])
            if bool(inside.any()):
                name = f"val/loss_lambda_{float(lambdas[k]):+.1f}_to_{float(lambdas[k + 1]):+.1f}"
                metrics[name] = float(losses[inside].mean())
        self.log_now(metrics)

    # State --------------------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep also what the density of the training times has learned."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["density"] = self.objective.density.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what `on_save_checkpoint` kept."""
        super().on_load_checkpoint(checkpoint)
        self.objective.density.load_state_dict(checkpoint["density"])
