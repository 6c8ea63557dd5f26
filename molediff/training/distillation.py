"""Training of a student that makes a teacher's many steps in few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from molediff.core.distillation import Minima, Teacher
from molediff.core.model import Condition, DiffusionModel, WithNoise
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.training.clock import Clock
from molediff.training.denoising import DenoisingTask
from molediff.training.draw import Batch, Draw, repeated

REPLAY_CAPACITY = 256
"""Batches of paths that are kept to be learned from again."""

REPLAY_MINIMUM = 16
"""Batches that there must be before any is."""


@dataclass(frozen=True)
class PathBatch(Draw):
    """Paths as pairs to learn from; the stops of a path stand next to each other.

    Attributes:
        reached_minimum: whether each path came to the minimum of its sample, shape (paths,); None without minima.
    """

    reached_minimum: Tensor | None = None


class DistillationTask(DenoisingTask):
    """Denoising score matching in which the teacher's path takes the place of data and noise.

    Of the training data only the conditions are used: every sample begins as noise, the teacher takes it to a conformer
    or whatever it makes, and the student learns the jumps between the stops. Where one jump would end
    is given by the noise alone, so unlike a sample of the data it is no mean over many.

    With `minima_from` the training data are minima near which samples came to lie, together with the noise of these
    samples (a condition `WithNoise`): the last stops learn to end in them.

    Args:
        model: the student, with the path, the space and the scale of the teacher's model.
        teacher: makes the paths.
        objective: how errors are weighed; its times are not used.
        clock: the bounds of the run.
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
        ValueError: the student has another path or scale than the teacher, the weights are not one for each stop, no
            path is used, or minima are to be learned from at no stop, or without `on_policy`.
    """

    def __init__(
        self,
        model: DiffusionModel,
        teacher: Teacher,
        objective: DenoisingScoreMatching,
        clock: Clock,
        num_draws: int = 2,
        on_policy: bool = False,
        num_uses: int = 1,
        num_validation_draws: int = 1,
        weights: Sequence[float] | None = None,
        minima_from: int | None = None,
        reach: float = 1.0,
        **settings: Any,
    ) -> None:
        super().__init__(model, objective, clock, num_draws, num_validation_draws, **settings)
        stops = teacher.student_times
        weights = [1.0] * len(stops) if weights is None else list(weights)
        if len(weights) != len(stops) or not all(weight >= 0 for weight in weights) or sum(weights) == 0:
            raise ValueError(f"weights are numbers >= 0, one for each of the stops {stops}; got {weights}.")
        if (model.path, model.scale) != (teacher.model.path, teacher.model.scale):
            raise ValueError(
                "A student walks the teacher's path: give both the same path and scale; got "
                f"{model.path} and {teacher.model.path}, {model.scale} and {teacher.model.scale}."
            )
        if num_uses < 1:
            raise ValueError(
                f"num_uses says how often a path is learned from, at least once; got {num_uses}."
            )
        if minima_from is not None and not (
            on_policy
            and num_draws == num_validation_draws == 1
            and 0 < minima_from < len(stops)
            and reach > 0
        ):
            raise ValueError(
                "Minima are for the last stops of a student's own jumps from the noise that a sample brings: take "
                "on_policy=true, num_draws=1, num_validation_draws=1, a positive reach, and as minima_from the number "
                f"of a stop behind the first, of {len(stops)}; got {on_policy}, {num_draws}, "
                f"{num_validation_draws}, {reach} and {minima_from}."
            )
        teacher.model.requires_grad_(False).eval()
        self._teacher = (teacher,)  # in a tuple, so that it is no part of what is trained, averaged and saved
        self.on_policy = on_policy
        self.num_uses = num_uses
        self.minima_from = minima_from
        self.reach = reach
        self._weights = torch.tensor(weights) * len(weights) / sum(weights)
        self._replay: list[PathBatch] = []
        self._validated: list[Tensor] = []
        self._reached: list[Tensor] = []

    @property
    def teacher(self) -> Teacher:
        """Makes the paths."""
        return self._teacher[0]

    def on_fit_start(self) -> None:
        """Bring the teacher to the student's device, too."""
        super().on_fit_start()
        self.teacher.model.to(self.device)

    # Draws --------------------------------------------------------------------------------------------------------

    def draw(self, batch: Batch) -> PathBatch:
        """`num_draws` new paths of each sample of the batch, or paths of an earlier one."""
        if self.global_step % self.num_uses and len(self._replay) >= REPLAY_MINIMUM:
            return self._replay[int(torch.randint(len(self._replay), (), generator=self.generator))]
        x_0 = batch[0]
        noise = torch.randn((len(x_0) * self.num_draws, *x_0.shape[1:]), generator=self.generator)
        paths = self.paths(batch, noise, self.num_draws)
        if self.num_uses > 1:
            self._replay = [*self._replay[1 - REPLAY_CAPACITY :], paths]
        return paths

    def validation_draw(self, batch: Batch) -> PathBatch:
        """Paths from noise that is each sample's own, the same every time."""
        noise, _ = self.validation_noise.draw(batch[0], self.num_validation_draws)
        return self.paths(batch, noise, self.num_validation_draws)

    def paths(self, batch: Batch, noise: Tensor, repeats: int) -> PathBatch:
        """The paths from `noise` (n repeats, ...) for n samples, or from what the samples bring along.

        Raises:
            ValueError: minima are to be learned from, and the samples bring no noise.
        """
        x_0, condition, mask = batch
        minima = None
        if self.minima_from is not None:
            known: object = condition
            if not isinstance(known, WithNoise) or known.noise is None:
                raise ValueError(
                    "To learn from minima, take samples that were relaxed as data: data=relaxed."
                )
            noise = known.noise
            minima = Minima(self.model.from_data(x_0, mask), self.minima_from, self.reach / self.model.scale)
        return self._taught(condition, noise, repeated(mask, repeats), repeats, minima)

    @torch.no_grad()
    def _taught(
        self,
        condition: Condition | None,
        noise: Tensor,
        mask: Tensor | None,
        repeats: int,
        minima: Minima | None,
    ) -> PathBatch:
        """What the student should answer on the paths from `noise` (paths, ...), `repeats` of each condition."""
        student = self.model.denoiser_of(self.model.encode(condition, repeats)) if self.on_policy else None
        noise = self.model.space.project(noise.to(self.device), mask)
        found = self.teacher.targets(
            self.teacher.model.encode(condition, repeats), noise, mask, student, minima
        )
        # Its casts of the weights have no gradient, and before torch 2.11 the next pass would use them.
        torch.clear_autocast_cache()
        num_stops = len(self.teacher.student_times)
        return PathBatch(
            found.x_0,
            found.eps,
            found.t,
            condition,
            repeated(mask, num_stops),
            repeats * num_stops,
            self._weights.repeat(len(noise)),
            found.reached_minimum,
        )

    # Validation ---------------------------------------------------------------------------------------------------

    def on_validation_epoch_start(self) -> None:
        """Forget the losses of the last validation."""
        super().on_validation_epoch_start()
        self._validated, self._reached = [], []

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Losses at fixed noise."""
        paths = self.validation_draw(batch)
        self._validated.append(self.losses(paths).unflatten(0, (-1, len(self._weights))))
        if paths.reached_minimum is not None:
            self._reached.append(paths.reached_minimum)

    def on_validation_epoch_end(self) -> None:
        """Log the loss, weighted over the stops, the mean of each stop, and the fraction of paths that came to
        minima."""
        if not self._validated:
            return
        losses = torch.cat(self._validated).mean(0)
        metrics = {"val/loss": float((losses * self._weights.to(losses)).mean())}
        for stop, loss in zip(self.teacher.student_times, losses, strict=True):
            metrics[f"val/loss_stop_{stop}"] = float(loss)
        if self._reached:
            metrics["val/reached_minimum"] = float(torch.cat(self._reached).float().mean())
        self.log_now(metrics)
