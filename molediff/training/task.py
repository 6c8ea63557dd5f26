"""The Lightning module that trains a diffusion model: the same for molecules, particles and images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from molediff.core.guidance import drop_condition
from molediff.core.model import DiffusionModel
from molediff.core.objective.coupling import Coupling, Independent
from molediff.core.objective.score_matching import DenoisingScoreMatching, Uniform
from molediff.training.clipping import Clipping, NoiseLevelClipping
from molediff.training.clock import Clock
from molediff.training.optimized import OptimizedTask
from molediff.training.schedules import Schedule

Unpack = Callable[[Any], tuple[Tensor, Any, Tensor | None]]


class DiffusionTask(OptimizedTask):
    """Denoising score matching of a `DiffusionModel`.

    Each step encodes every sample's condition once and uses it at `num_draws` noise levels, since for a conditional
    model the encoding can cost as much as the rest. All noise of the training comes from a generator of the task's own,
    which is kept in checkpoints.

    A model with a prior is trained in the prior's coordinates: there the coupling pairs data and noise (a rotation is
    the same in both), and there the loss is taken unless `loss_in_points`. A network with self-conditioning sees its
    own first estimate, made without gradient, in half of the steps, and never in validation.

    Args:
        model: the model to train; its path, target, space and scale are used.
        objective: a `DenoisingScoreMatching` with the model's path and target. A density that learns (`LossEqualizing`)
            is shown the losses of every step, and is kept in checkpoints; validation has uniform times in any case.
        clock: the bounds of the run, which the learning rate follows.
        unpack: turns a batch of the loader into (x_0 in data units (n, ..., d), condition, mask (n, N) or None).
        coupling: called with (x_0, eps, mask); returns the x_0 to use with this eps. `Independent` for an objective
            with a control variate.
        num_draws: noise draws a sample and step.
        drop_probability: share of samples that lose their condition in training (its method `without`), so that the
            network also learns to do without, as classifier-free guidance needs.
        learning_rate: base rate of AdamW, which `schedule` multiplies.
        weight_decay: of AdamW, on parameters of two or more dimensions.
        betas: of AdamW.
        schedule: factor on the learning rate (`training.schedules`).
        clipping: largest gradient norm of a step (`training.clipping`).
        output_clipping: bounds the gradient that each draw sends into the network, by its noise level; None: no bound.
        loss_in_points: of a model with a prior, take the loss of the points instead. The prior's coordinates weigh an
            error along a stiff mode, such as a bond, more than one along a soft mode, such as a torsion.
        num_validation_draws: noise draws a validation sample, fixed for the whole run.
        num_bins: number of bins of lambda in which the validation loss is given.
        seed: of the training noise and of the validation noise.

    Raises:
        ValueError: a control variate together with a coupling that ties the noise to the data.
    """

    def __init__(
        self,
        model: DiffusionModel,
        objective: DenoisingScoreMatching,
        clock: Clock,
        unpack: Unpack,
        coupling: Coupling | None = None,
        num_draws: int = 4,
        drop_probability: float = 0.0,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        schedule: Schedule | None = None,
        clipping: Clipping | None = None,
        output_clipping: NoiseLevelClipping | None = None,
        loss_in_points: bool = False,
        num_validation_draws: int = 4,
        num_bins: int = 4,
        seed: int = 0,
    ) -> None:
        super().__init__(model, clock, learning_rate, weight_decay, betas, schedule, clipping, seed)
        self.model: DiffusionModel = model
        self.objective = objective
        self._validation_objective = replace(objective, density=Uniform())  # as its times are
        self.unpack = unpack
        self.coupling = Independent() if coupling is None else coupling
        if objective.control_variate is not None and not isinstance(self.coupling, Independent):
            raise ValueError(
                "A control variate has mean zero where noise and data are independent alone: take coupling=independent "
                f"or another objective; got {self.coupling}."
            )
        self.num_draws = num_draws
        self.drop_probability = drop_probability
        self.output_clipping = output_clipping
        self.loss_in_points = loss_in_points and model.prior is not None
        self.num_validation_draws = num_validation_draws
        self.num_bins = num_bins
        self._validation_losses: list[Tensor] = []
        self._validation_times: list[Tensor] = []
        self._validation_seen = 0

    # Loss ---------------------------------------------------------------------------------------------------------

    def _draw_losses(
        self,
        objective: DenoisingScoreMatching,
        x_0: Tensor,
        condition: Any,
        mask: Tensor | None,
        eps: Tensor,
        t: Tensor,
        repeats: int,
        estimate_first: bool = False,
    ) -> Tensor:
        """Losses (n * repeats,) of samples x_0 (n, ..., d) in data units, each used `repeats` times in a row; with
        `estimate_first` the network sees its own estimate of them."""
        alike = condition.alike(repeats) if hasattr(condition, "alike") else ()
        condition = self.model.encode(condition)
        x_0 = self.model.from_data(x_0, condition, mask)
        if repeats > 1:
            condition = None if condition is None else condition.repeat(repeats)
            x_0 = x_0.repeat_interleave(repeats, dim=0)
            mask = None if mask is None else mask.repeat_interleave(repeats, dim=0)
        x_0 = self.coupling(x_0, eps, mask, alike)
        x_t = self.model.path.noised(x_0, eps, t)
        previous = self._estimate(x_t, t, condition) if estimate_first else None
        pred = self.model.predict(x_t, t, condition, previous)
        if self.output_clipping is not None and pred.requires_grad:
            weight, clip = objective.target_weight(t), self.output_clipping
            pred.register_hook(lambda gradient: clip(gradient, weight))
        if self.loss_in_points:
            pred, x_0, eps = (condition.to_points(part) for part in (pred, x_0, eps))
        return objective.loss(pred, x_0, eps, t, mask)

    @torch.no_grad()
    def _estimate(self, x_t: Tensor, t: Tensor, condition: Any) -> Tensor:
        """Estimate of x_0 from x_t alone."""
        x_0_hat = self.model.denoiser_of(condition)(x_t, t)
        # Its casts of the weights have no gradient, and before torch 2.11 the next pass would use them.
        torch.clear_autocast_cache()
        return x_0_hat

    def _noise(self, shape: tuple[int, ...], mask: Tensor | None, generator: torch.Generator) -> Tensor:
        """Noise of the model's space, drawn on the CPU so that a seed means the same on every device."""
        eps = torch.randn(shape, generator=generator).to(self.device, non_blocking=True)
        return self.model.space.project(eps, mask)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Mean loss of the batch at `num_draws` noise levels a sample."""
        x_0, condition, mask = self.unpack(batch)
        num, draws = x_0.shape[0], self.num_draws
        if self.drop_probability and condition is not None:
            condition = condition.without(drop_condition(num, self.drop_probability, self.generator))
        t = self.objective.sample_times(num * draws, self.generator, self.device)
        draw_mask = None if mask is None else mask.repeat_interleave(draws, dim=0)
        eps = self._noise((num * draws, *x_0.shape[1:]), draw_mask, self.generator)
        # One coin for the whole step: half of the steps then cost no first pass.
        coin = self.model.self_conditioning and bool(torch.randint(2, (), generator=self.generator))
        losses = self._draw_losses(self.objective, x_0, condition, mask, eps, t, draws, coin)
        self.objective.density.update(t, losses, self.model.path)
        return self.counted(losses.mean(), num)

    # Validation ---------------------------------------------------------------------------------------------------

    def on_validation_epoch_start(self) -> None:
        """Forget the losses of the last validation."""
        self._validation_losses, self._validation_times, self._validation_seen = [], [], 0

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Losses at fixed noise: sample i of the loader has the same eps and times every time, whatever the batches."""
        x_0, condition, mask = self.unpack(batch)
        path, draws = self.model.path, self.num_validation_draws
        times, noise = [], []
        for i in range(self._validation_seen, self._validation_seen + x_0.shape[0]):
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + i)
            offset = torch.rand(1, generator=generator)
            times.append((torch.arange(draws) + offset) / draws)
            noise.append(torch.randn((draws, *x_0.shape[1:]), generator=generator))
        self._validation_seen += x_0.shape[0]
        t = (path.t_min + (path.t_max - path.t_min) * torch.cat(times)).to(self.device)
        draw_mask = None if mask is None else mask.repeat_interleave(draws, dim=0)
        eps = self.model.space.project(torch.cat(noise).to(self.device), draw_mask)
        losses = self._draw_losses(self._validation_objective, x_0, condition, mask, eps, t, draws)
        self._validation_losses.append(losses)
        self._validation_times.append(t)

    def on_validation_epoch_end(self) -> None:
        """Log the mean loss, over all draws and in each of `num_bins` equal bins of time, named by their lambda."""
        if not self._validation_losses:
            return
        losses, t = torch.cat(self._validation_losses), torch.cat(self._validation_times)
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
