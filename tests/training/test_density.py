"""A density of the training times that learns: in a run, across an interruption, and without touching validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from molediff.core.objective.score_matching import LossEqualizing, Uniform
from molediff.training.run import train


class Interrupt(Callback):
    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == 15:
            raise KeyboardInterrupt


def equalizing() -> LossEqualizing:
    return LossEqualizing(num_bins=8, decay=0.9)


def run(toy: Any, run_dir: Path, density: Any, **options: Any) -> tuple[Any, dict[str, float]]:
    make_task, data = toy
    task = make_task(max_steps=30, density=density)
    return task, train(task, data(), run_dir, device="cpu", precision="32-true", log_steps=1, **options)


def test_the_density_learns_from_the_losses_of_the_run(toy: Any, tmp_path: Path):
    """Its bins hold what the loss is at their noise level: measured anew on the trained network, within a factor."""
    task, _ = run(toy, tmp_path, equalizing())
    density, path = task.objective.density, task.model.path
    assert bool(density.seen.all())
    t = Uniform().sample(20000, path, torch.Generator().manual_seed(1))
    p = density.pdf(t.double(), path)
    fresh = equalizing().pdf(t.double(), path)  # uniform in lambda
    assert float((p / fresh).max()) > 1.5  # it has left its start
    assert float((p / fresh).min()) < 0.7
    middle, ends = path.lambda_(t).abs() < 2.0, path.lambda_(t).abs() > 5.0
    assert (p / fresh)[middle].mean() > (p / fresh)[ends].mean()  # v is easy where x_t shows it


def test_a_density_that_has_learned_goes_through_an_interruption(toy: Any, tmp_path: Path):
    whole, whole_metrics = run(toy, tmp_path / "whole", equalizing())
    with pytest.raises(KeyboardInterrupt):
        run(toy, tmp_path / "parts", equalizing(), callbacks=(Interrupt(),))
    resumed, metrics = run(toy, tmp_path / "parts", equalizing(), ckpt_path="last")
    assert torch.equal(resumed.objective.density.loss, whole.objective.density.loss)
    assert metrics["val/loss"] == whole_metrics["val/loss"]
    for name, value in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name


def test_the_validation_loss_does_not_know_the_density(toy: Any, tmp_path: Path):
    """The same weights have the same validation loss whatever the density has learned."""
    make_task, data = toy
    learned = equalizing()
    learned.update(torch.linspace(0.01, 0.99, 500), torch.linspace(1, 9, 500), make_task().model.path)
    losses = []
    for density in (learned, Uniform()):
        task = make_task(density=density)
        task.on_validation_epoch_start()
        for batch in data().val_dataloader():
            task.validation_step(batch, 0)
        losses.append(torch.cat([losses for _, losses in task._validated]))
    torch.testing.assert_close(*losses, rtol=0, atol=0)
