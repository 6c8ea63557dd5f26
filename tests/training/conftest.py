"""A problem small enough to train on in a second: two points on a line segment of either of two lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching, TimeDensity, Uniform, Unweighted
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.training.clock import Clock
from molediff.training.draw import Batch
from molediff.training.schedules import Cosine
from molediff.training.task import DiffusionTask


class Network(nn.Module):
    """A perceptron of x (n, 2) and lambda (n,)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 2)
        )

    def forward(self, x: Tensor, lambda_: Tensor, condition: Any) -> Tensor:
        return self.layers(torch.cat([x, lambda_.unsqueeze(-1).clamp(-3, 3)], dim=-1))


class Batches(IterableDataset[Batch]):
    """Endless batches of samples (16, 2), the k-th a function of k; `change` may spoil them."""

    def __init__(self, start: int, change: Callable[[int, Tensor], Tensor]) -> None:
        self.start, self.change = start, change

    def __iter__(self) -> Iterator[Batch]:
        number = self.start
        while True:
            generator = torch.Generator().manual_seed(number)
            sign = torch.randint(0, 2, (16, 1), generator=generator) * 2.0 - 1.0
            yield self.change(number, torch.cat([sign, 0.5 * sign], dim=1)), None, None
            number += 1


class Data(pl.LightningDataModule):
    """Endless training batches and two validation batches of points."""

    def __init__(
        self, change: Callable[[int, Tensor], Tensor] = lambda _, x: x, validation_size: int = 16
    ) -> None:
        super().__init__()
        self.change, self.validation_size, self.start = change, validation_size, 0

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(Batches(self.start, self.change), batch_size=None)

    def val_dataloader(self) -> DataLoader[Any]:
        sign = torch.linspace(-1, 1, 32).sign().unsqueeze(1)
        parts = torch.cat([sign, 0.5 * sign], dim=1).split(self.validation_size)
        return DataLoader([(part, None, None) for part in parts], batch_size=None)  # type: ignore[arg-type]

    def state_dict(self) -> dict[str, int]:
        return {"start": self.trainer.global_step}  # type: ignore[union-attr]

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.start = state_dict["start"]


def make_task(
    max_steps: int = 40, seed: int = 0, density: TimeDensity | None = None, **settings: Any
) -> DiffusionTask:
    """A task on the toy problem."""
    torch.manual_seed(seed)
    path, target = CosineVP(), V()
    model = DiffusionModel(Network(), path, target, FullSpace(), scale=0.8)
    objective = DenoisingScoreMatching(path, target, Unweighted(target), density or Uniform())
    settings = {
        "schedule": Cosine(warm_up_steps=5),
        "learning_rate": 1e-2,
        "clock": Clock(max_steps),
        **settings,
    }
    return DiffusionTask(model, objective, seed=seed, **settings)


@pytest.fixture
def toy() -> Any:
    """(make_task, Data) of the toy problem."""
    return make_task, Data
