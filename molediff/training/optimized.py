"""What every training has in common: its model, clock, optimizer, clipping, guard, and the state of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from molediff.sampling.seeds import numbered_generator
from molediff.training.clipping import Clipping, FixedClipping
from molediff.training.clock import Clock
from molediff.training.devices import Share
from molediff.training.guard import LossGuard
from molediff.training.muon import Muon
from molediff.training.schedules import Cosine, Schedule

OPTIMIZERS = ("adamw", "muon")


class OptimizedTask(pl.LightningModule):
    """A model under AdamW or Muon, with a learning rate that follows the clock.

    A subclass has `training_step`, which returns `self.counted(loss, num)`, and `validation_step`. What it draws in
    training comes from `self.generator`, which is kept in checkpoints, by way of `self.drawn`: processes that share a
    batch then draw what one process would draw for all of it.

    Args:
        model: the model to train.
        clock: the bounds of the run, which the learning rate follows.
        learning_rate: base rate, which `schedule` multiplies.
        weight_decay: on parameters of two or more dimensions; with Muon on the weights of linear layers.
        betas: of AdamW.
        schedule: factor on the learning rate (`training.schedules`).
        clipping: largest gradient norm of a step (`training.clipping`).
        seed: of the training noise.
        optimizer: "adamw" or "muon" (`training.muon`).

    Raises:
        ValueError: there is no such optimizer.
    """

    divides_batches = False
    """Whether several processes can share a batch: all random numbers then come by `drawn`."""

    num_draws = 1
    """Noise draws a sample and step."""

    def __init__(
        self,
        model: nn.Module,
        clock: Clock,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        schedule: Schedule | None = None,
        clipping: Clipping | None = None,
        seed: int = 0,
        optimizer: str = "adamw",
    ) -> None:
        super().__init__()
        if optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}; got {optimizer!r}.")
        self.optimizer = optimizer
        self.model: Any = model
        self.clock = clock
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.betas = (betas[0], betas[1])
        self.schedule = Cosine() if schedule is None else schedule
        self.clipping = FixedClipping() if clipping is None else clipping
        self.seed = seed
        self.guard = LossGuard()
        self.samples_seen = 0
        self.step_metrics: dict[str, float] = {}
        self.last_metrics: dict[str, float] = {}
        self.generator = torch.Generator().manual_seed(seed)
        self.share: Share | None = None
        self._before: Tensor | None = None
        self._seconds: float | None = None
        self._loss = torch.zeros(())

    def counted(self, loss: Tensor, num_samples: int) -> Tensor:
        """The mean loss of this step or part of one, weighted by the part's size, after its samples are counted."""
        if self.share is None:
            self.samples_seen += num_samples
            self._loss = loss.detach()
            return loss
        loss = loss * self.share.weight
        mine = loss.detach() / self.trainer.accumulate_grad_batches
        self.samples_seen += self.share.total if self.share.begins else 0
        self._loss = mine if self.share.begins else self._loss + mine
        return loss

    def drawn(self, draw: Callable[[int], Tensor], num: int) -> Tensor:
        """Random numbers `draw(num)` of the samples at hand, `num / n` rows for each of the n.

        Where they are a part of a batch, those of the whole batch are drawn, and cut.
        """
        if self.share is None:
            return draw(num)
        rows = num // self.share.size
        return draw(self.share.total * rows)[self.share.first * rows : self.share.stop * rows]

    def log_now(self, metrics: dict[str, float]) -> None:
        """Write metrics of a validation to the logs."""
        self.last_metrics.update(metrics)
        for logger in self.loggers:
            logger.log_metrics({**metrics, "minutes": self.clock.seconds / 60}, step=self.global_step)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The learning rate is set before each step by `schedule`. Biases and gains have no weight decay."""
        if self.optimizer == "muon":
            return Muon(self.model, self.learning_rate, self.weight_decay, betas=self.betas)
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": self.weight_decay},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.learning_rate, betas=self.betas, fused=True)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Set the learning rate of this step."""
        self._agree()
        fraction = self.clock.fraction(self.global_step, self._seconds)
        rate = self.learning_rate * self.schedule(fraction, self.global_step)
        for group in optimizer.param_groups:
            group["lr"] = rate

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: Any = None,
        gradient_clip_algorithm: Any = None,
    ) -> None:
        """Check the loss and the gradient, and clip it."""
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        loss, norm = torch.stack([self._loss, torch.nn.utils.get_total_norm(gradients)]).tolist()
        self.guard.check_loss(loss, self.global_step)
        self.guard.check_gradient(norm, self.global_step)
        threshold = self.clipping.threshold(norm)
        if norm > threshold:
            torch._foreach_mul_(gradients, threshold / norm)
        self.step_metrics = {
            "train/loss": loss,
            "train/gradient_norm": norm,
            "train/clip_threshold": threshold,
            "train/learning_rate": optimizer.param_groups[0]["lr"],
        }

    def on_fit_start(self) -> None:
        """Start the clock.

        Raises:
            ValueError: several devices or parts of a batch are asked for, and this task or its data know none.
        """
        divided = self.trainer.world_size * self.trainer.accumulate_grad_batches > 1
        if divided and not self.divides_batches:
            raise ValueError(
                f"{type(self).__name__} trains on one device and whole batches: leave devices=, num_nodes= and "
                "accumulate= at 1."
            )
        self.clock.start()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Take the share of this process, and make what layers draw by themselves (dropout) a function of the seed, the
        step and the part, whenever a run goes on.
        """
        numbers: tuple[int, ...] = (self.seed, self.global_step)
        if self.trainer.world_size * self.trainer.accumulate_grad_batches > 1:
            self._take_share()
            assert self.share is not None
            numbers = (*numbers, self.share.part)
        torch.manual_seed(numbered_generator(*numbers, key=b"layers").initial_seed())

    def _take_share(self) -> None:
        """The next part of a batch; its random numbers begin where those of the batch do."""
        shares = getattr(self.trainer.datamodule, "shares", None)  # type: ignore[attr-defined]
        if not shares:
            raise ValueError(
                "These data do not divide their batches: leave devices=, num_nodes= and accumulate= at 1, or let "
                "train_dataloader return training_loader(...) of a ResumableDataModule."
            )
        self.share = shares.popleft()
        if self.share.begins or self._before is None:
            self._before = self.generator.get_state()
        else:
            self.generator.set_state(self._before)

    def _agree(self) -> None:
        """Have the mean loss and the time of the first process in all of them: what hangs on them must not differ."""
        if self._trainer is None or self.trainer.world_size == 1:
            return
        seconds = self.clock.seconds if self.trainer.is_global_zero else 0.0
        mine = self._loss.double() / self.trainer.world_size
        both = torch.stack([mine, torch.full_like(mine, seconds)])
        loss, self._seconds = self.trainer.strategy.reduce(both, reduce_op="sum").tolist()
        self._loss = self._loss.new_tensor(loss)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep all that a run needs to go on as if it had not been interrupted."""
        checkpoint["task"] = {
            "clock": self.clock.state_dict(),
            "clipping": self.clipping.state_dict(),
            "guard": self.guard.state_dict(),
            "generator": self.generator.get_state(),
            "samples_seen": self.samples_seen,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what `on_save_checkpoint` kept."""
        state = checkpoint["task"]
        self.clock.load_state_dict(state["clock"])
        self.clipping.load_state_dict(state["clipping"])
        self.guard.load_state_dict(state["guard"])
        self.generator.set_state(state["generator"])
        self.samples_seen = int(state["samples_seen"])
        num_parts = 1 if self._trainer is None else self.trainer.accumulate_grad_batches
        if num_parts > 1:  # Lightning counts them, and there may have been another number
            done = checkpoint["global_step"] * num_parts
            progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]
            progress.update(dict.fromkeys(("ready", "started", "processed"), done), completed=done - 1)
