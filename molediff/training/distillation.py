"""Training of a student that makes a teacher's many steps in few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from molediff.core.distillation import Jumps, Minima, Teacher
from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.training.clock import Clock
from molediff.training.optimized import OptimizedTask
from molediff.training.task import Unpack

# Batches of paths that are kept to be learned from again, and how many there must be before any is.
_MANY_LESSONS, _FEW_LESSONS = 256, 16


@dataclass(frozen=True)
class Lesson:
    """Paths of a batch: `repeats` of each of its conditions, next to each other, with their mask (paths, N)."""

    condition: Any
    jumps: Jumps
    mask: Tensor | None
    repeats: int


class DistillationTask(OptimizedTask):
    """Denoising score matching in which the teacher's path takes the place of data and noise.

    Of the training data only the conditions are used: every sample begins as noise, the teacher takes it to a conformer
    or whatever it makes, and the student learns the jumps between the stops. Where one jump would end
    is given by the noise alone, so unlike a sample of the data it is no mean over many.

    With `minima_from` the training data are minima near which samples came to lie, together with the noise of these
    samples (`condition.noise`): the last stops learn to end in them.

    Args:
        model: the student, with the path, the space and the scale of the teacher's model.
        teacher: makes the paths.
        objective: how errors are weighed; its times are not used.
        clock: the bounds of the run.
        unpack: see `DiffusionTask`.
        num_draws: paths a sample and step.
        on_policy: whether the student's own jumps lead from stop to stop, so that it learns to go on from where it gets
            to; otherwise the teacher's steps do.
        num_uses: how often a path is learned from, on average: a teacher's many steps cost more than a student's few.
            Only each `num_uses`-th step then takes a batch and makes new paths, the others some of the last thousands
            again, which are not kept in checkpoints.
        num_validation_draws: paths a validation sample, of the same noise every time.
        weights: of the loss at each stop, in proportion; None: all alike. An error of an early jump is noise to the
            next, which takes it off; one of the last jump stays.
        minima_from: number of the first stop that learns from minima, at least 1; None: all learn from the teacher.
            Needs num_draws=1 and num_validation_draws=1, since a sample brings one noise.
        reach: a path that ends farther from its minimum in any point has come to another one, and learns from the
            teacher as before; in data units.
        **settings: of `OptimizedTask`.

    Raises:
        ValueError: the student has another path or scale than the teacher, either has a prior, the weights are not
            one for each stop, no path is used, or minima are to be learned from at no stop, or without `on_policy`.
    """

    def __init__(
        self,
        model: DiffusionModel,
        teacher: Teacher,
        objective: DenoisingScoreMatching,
        clock: Clock,
        unpack: Unpack,
        num_draws: int = 2,
        on_policy: bool = False,
        num_uses: int = 1,
        num_validation_draws: int = 1,
        weights: Sequence[float] | None = None,
        minima_from: int | None = None,
        reach: float = 1.0,
        **settings: Any,
    ) -> None:
        super().__init__(model, clock, **settings)
        weights = [1.0] * len(teacher.stops) if weights is None else list(weights)
        if (
            len(weights) != len(teacher.stops)
            or not all(weight >= 0 for weight in weights)
            or sum(weights) == 0
        ):
            raise ValueError(
                f"weights are numbers >= 0, one for each of the stops {teacher.stops}; got {weights}."
            )
        if model.prior is not None or teacher.model.prior is not None:
            raise ValueError("A student walks the teacher's path among points: leave out the prior.")
        if (model.path, model.scale) != (teacher.model.path, teacher.model.scale):
            raise ValueError(
                "A student walks the teacher's path: give both the same path and scale; got "
                f"{model.path} and {teacher.model.path}, {model.scale} and {teacher.model.scale}."
            )
        self.model: DiffusionModel = model
        if num_uses < 1:
            raise ValueError(
                f"num_uses says how often a path is learned from, at least once; got {num_uses}."
            )
        if minima_from is not None and not (
            on_policy
            and num_draws == num_validation_draws == 1
            and 0 < minima_from < len(teacher.stops)
            and reach > 0
        ):
            raise ValueError(
                "Minima are for the last stops of a student's own jumps from the noise that a sample brings: take "
                "on_policy=true, num_draws=1, num_validation_draws=1, a positive reach, and as minima_from the number "
                f"of a stop behind the first, of {len(teacher.stops)}; got {on_policy}, {num_draws}, "
                f"{num_validation_draws}, {reach} and {minima_from}."
            )
        teacher.model.requires_grad_(False).eval()
        self._teacher = (teacher,)  # in a tuple, so that it is no part of what is trained, averaged and saved
        self.objective = objective
        self.unpack = unpack
        self.num_draws = num_draws
        self.on_policy = on_policy
        self.num_uses = num_uses
        self.num_validation_draws = num_validation_draws
        self.minima_from = minima_from
        self.reach = reach
        self._weights = torch.tensor(weights) / sum(weights)
        self._lessons: list[Lesson] = []
        self._validation_losses: list[Tensor] = []
        self._arrived: list[Tensor] = []
        self._validation_seen = 0

    @property
    def teacher(self) -> Teacher:
        """Makes the paths."""
        return self._teacher[0]

    def on_fit_start(self) -> None:
        """Bring the teacher to the student's device, too."""
        super().on_fit_start()
        self.teacher.model.to(self.device)

    def _losses(self, lesson: Lesson) -> Tensor:
        """Losses (paths, stops)."""
        jumps, mask, num_stops = lesson.jumps, lesson.mask, len(self.teacher.stops)
        known = self.model.encode(lesson.condition)
        known = None if known is None else known.repeat(lesson.repeats * num_stops)
        pred = self.model.predict(self.model.path.noised(jumps.x_0, jumps.eps, jumps.t), jumps.t, known)
        mask = None if mask is None else mask.repeat_interleave(num_stops, dim=0)
        return self.objective.loss(pred, jumps.x_0, jumps.eps, jumps.t, mask).unflatten(0, (-1, num_stops))

    def _path(self, batch: Any, noise: Tensor, repeats: int) -> Lesson:
        """The jumps from `noise` (n * repeats, ...) for n samples, or from what the samples bring along."""
        x_0, condition, mask = self.unpack(batch)
        if self.minima_from is None:
            return self._lesson(condition, noise, mask, repeats)
        if getattr(condition, "noise", None) is None:
            raise ValueError("To learn from minima, take samples that were relaxed as data: data=relaxed.")
        minima = Minima(self.model.from_data(x_0, mask=mask), self.minima_from, self.reach / self.model.scale)
        return self._lesson(condition, condition.noise, mask, repeats, minima)

    @torch.no_grad()
    def _lesson(
        self,
        condition: Any,
        noise: Tensor,
        mask: Tensor | None,
        repeats: int,
        minima: Minima | None = None,
    ) -> Lesson:
        """The teacher's jumps from `noise` (n * repeats, ...), for n conditions."""

        def known(model: DiffusionModel) -> Any:
            encoded = model.encode(condition)
            return None if encoded is None else encoded.repeat(repeats)

        mask = None if mask is None else mask.repeat_interleave(repeats, dim=0)
        student = self.model.denoiser_of(known(self.model)) if self.on_policy else None
        noise = self.model.space.project(noise.to(self.device), mask)
        jumps = self.teacher.jumps(known(self.teacher.model), noise, mask, student, minima)
        # Its casts of the weights have no gradient, and before torch 2.11 the next pass would use them.
        torch.clear_autocast_cache()
        return Lesson(condition, jumps, mask, repeats)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Mean loss over `num_draws` new paths of each sample of the batch, or over paths of an earlier one."""
        if self.global_step % self.num_uses == 0 or len(self._lessons) < _FEW_LESSONS:
            x_0 = self.unpack(batch)[0]
            noise = torch.randn((len(x_0) * self.num_draws, *x_0.shape[1:]), generator=self.generator)
            lesson = self._path(batch, noise, self.num_draws)
            if self.num_uses > 1:
                self._lessons = [*self._lessons[1 - _MANY_LESSONS :], lesson]
        else:
            lesson = self._lessons[int(torch.randint(len(self._lessons), (), generator=self.generator))]
        means = self._losses(lesson).mean(0)
        num_samples = len(lesson.jumps.t) // (len(means) * lesson.repeats)
        return self.counted(means @ self._weights.to(means), num_samples)

    def on_validation_epoch_start(self) -> None:
        """Forget the losses of the last validation."""
        self._validation_losses, self._arrived, self._validation_seen = [], [], 0

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Losses at fixed noise: sample i of the loader has the same every time, whatever the batches."""
        x_0 = self.unpack(batch)[0]
        shape, noise = (self.num_validation_draws, *x_0.shape[1:]), []
        for i in range(self._validation_seen, self._validation_seen + len(x_0)):
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + i)
            noise.append(torch.randn(shape, generator=generator))
        self._validation_seen += len(x_0)
        lesson = self._path(batch, torch.cat(noise), self.num_validation_draws)
        self._validation_losses.append(self._losses(lesson))
        if lesson.jumps.arrived is not None:
            self._arrived.append(lesson.jumps.arrived)

    def on_validation_epoch_end(self) -> None:
        """Log the loss, weighted over the stops, the mean of each stop, and the share of paths that came to minima."""
        if not self._validation_losses:
            return
        losses = torch.cat(self._validation_losses).mean(0)
        by_stop = {
            f"val/loss_stop_{k}": float(loss) for k, loss in zip(self.teacher.stops, losses, strict=True)
        }
        if self._arrived:
            by_stop["val/arrived"] = float(torch.cat(self._arrived).float().mean())
        self.log_now({"val/loss": float(losses @ self._weights.to(losses)), **by_stop})
