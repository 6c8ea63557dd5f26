"""Training a model that mends cheap guesses in few evaluations."""

from __future__ import annotations

import math
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from molediff.core.model import Condition
from molediff.core.objective.local_distances import LocalDistances
from molediff.core.target import Epsilon, Sample, convert
from molediff.training.draw import Batch, repeated
from molediff.training.task import DiffusionTask


@runtime_checkable
class Guessed(Condition, Protocol):
    """A condition that comes with guesses at its samples."""

    @property
    def starts(self) -> Tensor | None:
        """Guesses in data units, turned onto the samples, shape (B, S, N, 3); None where there are none."""


class RefinementTask(DiffusionTask):
    """Denoising where a part of the noise is that which takes a sample to a guess at it.

    For a sample x_0 and a guess s, turned onto it, both in model units, the noise is

        eps = (s - x_0) exp(start_lambda) + share z,   z a unit normal,

    so that x_t with lambda = start_lambda is alpha s, up to a little noise: what a sampler begins with. The model
    learns to find x_0 from there, and from where a jump with its own estimate leads, as in sampling (DDIM). Besides, it
    learns plain denoising.

    Args:
        start_lambda: half log-SNR at which a guess is taken up; it makes the guesses' errors about unit noise.
        most_noise: `share` is uniform between 0 and this.
        jump: least and largest rise of lambda of the jump, between which it is uniform.
        distances: errors of near distances, added to the loss.
        strength: factor of these.
        share_of_square: factor of the usual loss for guesses: the places of far parts cannot be told from them.
        **settings: see `DiffusionTask`. Its batches may have guesses, `starts` of the condition (B, S, N, 3) in data
            units: each is used twice, before and after a jump, besides `num_draws` draws of plain noise.
    """

    def __init__(
        self,
        *args: Any,
        start_lambda: float = 2.2,
        most_noise: float = 0.3,
        jump: tuple[float, float] = (0.7, 2.2),
        distances: LocalDistances | None = None,
        strength: float = 0.3,
        share_of_square: float = 0.1,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self.start_lambda, self.most_noise, self.jump = start_lambda, most_noise, tuple(jump)
        self.distances = LocalDistances() if distances is None else distances
        self.strength, self.share_of_square = strength, share_of_square

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean loss of the batch: guesses, what a jump makes of them, and plain noise."""
        x_0, graph, mask = batch
        num, draws = x_0.shape[0], self.num_draws
        encoded = self.model.encode(graph)
        x_0 = self.model.from_data(x_0, mask)
        t = self.drawn(lambda n: self.objective.sample_times(n, self.generator, self.device), num * draws)
        eps = self._unit((num * draws, *x_0.shape[1:]), repeated(mask, draws))
        x_t = self.objective.path.noised(x_0.repeat_interleave(draws, dim=0), eps, t)
        parts = [(x_t.unflatten(0, (num, draws)), t.unflatten(0, (num, draws)), torch.ones_like(t))]
        losses = []
        starts = graph.starts if isinstance(graph, Guessed) else None
        if starts is not None:
            guesses = self.model.from_data(starts.flatten(0, 1), repeated(mask, starts.shape[1]))
            loss, x_t, t = self._of_guesses(guesses, x_0, encoded, mask)
            losses.append(loss)
            parts.insert(0, (x_t, t, torch.full((t.numel(),), self.share_of_square, device=t.device)))
        x_t, t = torch.cat([part[0] for part in parts], 1), torch.cat([part[1] for part in parts], 1)
        shares = torch.cat([part[2].unflatten(0, (num, -1)) for part in parts], 1)
        loss, _ = self._losses(x_t, t, shares, x_0, encoded, mask)
        losses.append(loss)
        return self.counted(torch.cat(losses).mean(), num)

    def _of_guesses(
        self, guesses: Tensor, x_0: Tensor, encoded: Any, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Losses at the start, and the states (B, S, N, 3) and times (B, S) after the jump."""
        path, num = self.model.path, len(x_0)
        guesses = guesses.unflatten(0, (num, -1))
        copies = guesses.shape[1]
        noise = self._unit((num * copies, *x_0.shape[1:]), repeated(mask, copies))
        share = self.most_noise * self._uniform(num, copies)[..., None, None]
        eps = (guesses - x_0.unsqueeze(1)) * math.exp(self.start_lambda) + share * noise.unflatten(
            0, (num, -1)
        )
        lambda_s = torch.full((num, copies), self.start_lambda, device=x_0.device)
        t = path.t_of_lambda(lambda_s.double()).to(x_0)
        x_t = path.noised(x_0.repeat_interleave(copies, dim=0), eps.flatten(0, 1), t.flatten()).unflatten(
            0, (num, -1)
        )
        shares = torch.full_like(t, self.share_of_square)
        losses, estimate = self._losses(x_t, t, shares, x_0, encoded, mask)
        least, most = self.jump
        after = path.t_of_lambda(
            (lambda_s + least + (most - least) * self._uniform(num, copies)).double()
        ).to(x_0)
        eps_hat = convert(estimate.flatten(0, 1), x_t.flatten(0, 1), t.flatten(), path, Sample(), Epsilon())
        jumped = path.noised(estimate.flatten(0, 1), eps_hat, after.flatten())
        return losses, jumped.unflatten(0, (num, -1)), after

    def _losses(
        self, x_t: Tensor, t: Tensor, shares: Tensor, x_0: Tensor, encoded: Any, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Losses (B k,) at states (B, k, N, 3) and times (B, k), and the estimates of x_0 there, without gradient."""
        path, target, copies = self.model.path, self.model.target, x_t.shape[1]
        x_t, t, x_0 = x_t.flatten(0, 1), t.flatten(), x_0.repeat_interleave(copies, dim=0)
        mask = repeated(mask, copies)
        pred = self.model.predict(x_t, t, encoded.repeat(copies))
        eps = convert(x_0, x_t, t, path, Sample(), Epsilon())
        square = self.objective.loss(pred, x_0, eps, t, mask)
        estimate = convert(pred, x_t, t, path, target, Sample())
        losses = shares.flatten() * square + self.strength * self.distances(estimate, x_0, mask)
        return losses, estimate.detach().unflatten(0, (-1, copies))

    def _unit(self, shape: tuple[int, ...], mask: Tensor | None) -> Tensor:
        """Unit noise of the model's space, drawn on the CPU so that a seed means the same on every device."""
        eps = self.drawn(lambda n: torch.randn((n, *shape[1:]), generator=self.generator), shape[0])
        eps = eps.to(self.device, non_blocking=True)
        return self.model.space.project(eps, mask)

    def _uniform(self, *shape: int) -> Tensor:
        uniform = self.drawn(lambda n: torch.rand((n, *shape[1:]), generator=self.generator), shape[0])
        return uniform.to(self.device)
