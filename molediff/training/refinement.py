"""Training a model that mends cheap guesses: noise that looks like their errors, besides plain noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from molediff.training.task import DiffusionTask


class RefinementTask(DiffusionTask):
    """Denoising where a part of the noise is that which takes a sample to a guess at it.

    For a sample x_0 and a guess s, turned onto it, both in model units, the noise is

        eps = (s - x_0) exp(start_lambda) + share z,   z a unit normal,

    so that x_t with lambda = start_lambda is alpha s, up to a little noise, and that with larger lambda lies between s
    and x_0. A sampler that begins with alpha s, and jumps with the eps of its estimates, comes by such states.

    Args:
        start_lambda: half log-SNR at which a guess is taken up; it makes the guesses' errors about unit noise.
        most_noise: `share` is uniform between 0 and this.
        span: of guesses, half of the draws are at start_lambda, the others up to this much above it.
        **settings: see `DiffusionTask`; its batches may have guesses, `starts` of the condition (B, S, N, 3) in data
            units. The first S of the `num_draws` draws of a sample use them.
    """

    def __init__(
        self,
        *args: Any,
        start_lambda: float = 2.2,
        most_noise: float = 0.3,
        span: float = 2.5,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self.start_lambda, self.most_noise, self.span = start_lambda, most_noise, span

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Mean loss of the batch at `num_draws` noise levels a sample."""
        x_0, condition, mask = self.unpack(batch)
        num, draws = x_0.shape[0], self.num_draws
        t = self.objective.sample_times(num * draws, self.generator, self.device)
        draw_mask = None if mask is None else mask.repeat_interleave(draws, dim=0)
        eps = self._noise((num * draws, *x_0.shape[1:]), draw_mask, self.generator)
        if condition.starts is not None:
            t, eps = self._from_starts(x_0, condition.starts, mask, t, eps)
        losses = self._draw_losses(self.objective, x_0, condition, mask, eps, t, draws)
        return self.counted(losses.mean(), num)

    def _from_starts(
        self, x_0: Tensor, starts: Tensor, mask: Tensor | None, t: Tensor, eps: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Times (n draws,) and noise (n draws, ...) with the first S draws of each sample replaced."""
        num, num_starts = starts.shape[:2]
        t, eps = t.unflatten(0, (num, -1)).clone(), eps.unflatten(0, (num, -1)).clone()
        lambda_ = self.start_lambda + self.span * self._uniform(num, num_starts)
        lambda_ = torch.where(self._uniform(num, num_starts) < 0.5, self.start_lambda, lambda_)
        t[:, :num_starts] = self.model.path.t_of_lambda(lambda_.double()).to(t)
        errors = (starts - x_0.unsqueeze(1)).flatten(0, 1) / self.model.scale
        errors = self.model.space.project(
            errors, None if mask is None else mask.repeat_interleave(num_starts, dim=0)
        )
        size = torch.exp(torch.tensor(self.start_lambda))
        share = self.most_noise * self._uniform(num, num_starts)[..., None, None]
        eps[:, :num_starts] = errors.unflatten(0, (num, -1)) * size + share * eps[:, :num_starts]
        return t.flatten(0, 1), eps.flatten(0, 1)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator).to(self.device)
