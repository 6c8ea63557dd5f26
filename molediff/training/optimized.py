"""What every training has in common: its model, clock, optimizer, clipping, guard, and the state of a checkpoint."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from molediff.sampling.seeds import numbered_generator
from molediff.training.clipping import Clipping, FixedClipping
from molediff.training.clock import Clock
from molediff.training.guard import LossGuard
from molediff.training.schedules import Cosine, Schedule


class OptimizedTask(pl.LightningModule):
    """A model under AdamW, with a learning rate that follows the clock.

    A subclass has `training_step`, which returns `self.counted(loss, num)`, and `validation_step`. What it draws in
    training comes from `self.generator`, which is kept in checkpoints.

    Args:
        model: the model to train.
        clock: the bounds of the run, which the learning rate follows.
        learning_rate: base rate of AdamW, which `schedule` multiplies.
        weight_decay: of AdamW, on parameters of two or more dimensions.
        betas: of AdamW.
        schedule: factor on the learning rate (`training.schedules`).
        clipping: largest gradient norm of a step (`training.clipping`).
        seed: of the training noise.
    """

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
    ) -> None:
        super().__init__()
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
        self._loss = torch.zeros(())

    def counted(self, loss: Tensor, num_samples: int) -> Tensor:
        """`loss` of this step, after its samples are counted."""
        self.samples_seen += num_samples
        self._loss = loss.detach()
        return loss

    def log_now(self, metrics: dict[str, float]) -> None:
        """Write metrics of a validation to the logs."""
        self.last_metrics.update(metrics)
        for logger in self.loggers:
            logger.log_metrics({**metrics, "minutes": self.clock.seconds / 60}, step=self.global_step)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; the learning rate is set before each step by `schedule`. Biases and gains have no weight decay."""
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": self.weight_decay},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.learning_rate, betas=self.betas, fused=True)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Set the learning rate of this step."""
        rate = self.learning_rate * self.schedule(self.clock.fraction(self.global_step), self.global_step)
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
        """Start the clock."""
        self.clock.start()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Make what layers draw by themselves (dropout) a function of the seed and the step, whenever a run goes on."""
        torch.manual_seed(numbered_generator(self.seed, self.global_step, key=b"layers").initial_seed())

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
