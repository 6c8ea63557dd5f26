"""Labels in training: dropped at random for guidance, by a generator that a resumed run goes on with."""

from typing import Any

import torch
from torch import Tensor, nn

from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching, Unweighted
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.networks.labels import Labels
from molediff.training.clock import Clock
from molediff.training.task import DiffusionTask


class Listener(nn.Module):
    """Answers zero and remembers the labels it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(()))
        self.heard: list[Tensor] = []

    def forward(self, x: Tensor, lambda_: Tensor, condition: Any) -> Tensor:
        self.heard.append(condition.index)
        return self.gain * x


def make_task(drop_probability: float, num_draws: int = 1) -> DiffusionTask:
    path, target = CosineVP(), V()
    model = DiffusionModel(Listener(), path, target, FullSpace())
    objective = DenoisingScoreMatching(path, target, Unweighted(target))
    return DiffusionTask(
        model,
        objective,
        Clock(1),
        num_draws=num_draws,
        drop_probability=drop_probability,
    )


BATCH = (torch.zeros(2000, 1, 2, 2), Labels(torch.arange(2000) % 10), None)


def test_labels_are_dropped_as_often_as_asked():
    task = make_task(0.2)
    task.training_step(BATCH, 0)
    heard = task.model.network.heard[0]
    kept = heard != Labels.NONE
    assert 0.16 < float((~kept).float().mean()) < 0.24
    assert torch.equal(heard[kept], BATCH[1].index[kept])


def test_no_label_is_dropped_unasked_or_in_validation():
    task = make_task(0.0)
    task.training_step(BATCH, 0)
    assert torch.equal(task.model.network.heard[0], BATCH[1].index)
    task = make_task(1.0)
    task.validation_step((BATCH[0][:3], Labels(BATCH[1].index[:3]), None), 0)
    assert task.model.network.heard[0].tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_all_draws_of_a_sample_have_its_label():
    task = make_task(0.5, num_draws=3)
    task.training_step(BATCH, 0)
    draws = task.model.network.heard[0].reshape(-1, 3)
    assert torch.equal(draws[:, 0], draws[:, 1])
    assert torch.equal(draws[:, 0], draws[:, 2])


def test_a_resumed_run_drops_the_same_labels():
    whole, resumed, checkpoint = make_task(0.3), make_task(0.3), {}
    whole.training_step(BATCH, 0)
    whole.on_save_checkpoint(checkpoint)
    whole.training_step(BATCH, 1)
    resumed.on_load_checkpoint(checkpoint)
    resumed.training_step(BATCH, 1)
    assert torch.equal(whole.model.network.heard[1], resumed.model.network.heard[0])
