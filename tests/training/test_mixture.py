"""Training on data whose best denoiser is known: the excess is what it says, and so are the batches."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from molediff.core.exact.mixture import islands
from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching, Unweighted
from molediff.core.paths import CosineVP
from molediff.core.target import Epsilon, Sample, Target, V, convert
from molediff.networks.mlp import Perceptron
from molediff.training.clock import Clock
from molediff.training.mixture import ExcessLoss, MixtureDataModule
from molediff.training.run import train
from molediff.training.schedules import Constant
from molediff.training.task import DiffusionTask


class Best(nn.Module):
    """The best network for the islands in units of `scale`, off by `error` in v."""

    def __init__(self, scale: float, target: Target, error: float) -> None:
        super().__init__()
        data = islands(CosineVP())
        self.data = replace(data, means=data.means / scale, covariances=data.covariances / scale**2)
        self.target, self.error = target, error

    def forward(self, x: Tensor, lambda_: Tensor, condition: Any) -> Tensor:
        path = self.data.path
        t = path.t_of_lambda(lambda_.double())
        x = x.double()  # alpha^2 + sigma^2 = 1: the model has not changed its size
        v = convert(self.data.denoiser(x, t), x, t, path, Sample(), V()) + self.error
        return convert(v, x, t, path, V(), self.target)


@pytest.mark.parametrize("target", [V(), Epsilon()], ids=repr)
def test_excess_is_the_mean_square_distance_from_the_best(target: Target):
    path, data = CosineVP(), islands(CosineVP())
    for error in (0.0, 0.1):
        model = DiffusionModel(Best(0.8, target, error), path, target, FullSpace(), scale=0.8)
        excess = ExcessLoss(data, every_steps=1).measure(model)
        assert excess == pytest.approx({"low_noise": error**2, "high_noise": error**2}, rel=1e-3, abs=1e-6)


def test_the_loss_of_a_network_is_that_of_the_best_and_its_excess():
    """E |v_net - v|^2 = E |v_best - v|^2 + E |v_net - v_best|^2, for a network that errs with x."""
    path, data, num = CosineVP(), islands(CosineVP()), 40000
    objective, g = DenoisingScoreMatching(path, V(), Unweighted(V())), torch.Generator().manual_seed(0)
    t = torch.full((num,), float(path.t_of_lambda(torch.tensor(0.5))), dtype=torch.float64)
    x_0 = data.sample(num, None, g)
    eps = torch.randn(x_0.shape, generator=g, dtype=x_0.dtype)
    x_t = objective.path.noised(x_0, eps, t)
    best = convert(data.denoiser(x_t, t), x_t, t, path, Sample(), V())
    error = 0.3 * torch.sin(2 * x_t)
    more = objective.loss(best + error, x_0, eps, t) - objective.loss(best, x_0, eps, t)
    excess = error.square().mean()
    assert abs(float(more.mean() - excess)) < 4 * float(more.std()) / num**0.5


def test_batches_are_fixed_by_seed_and_number():
    def first(num: int, **settings: Any) -> list[Tensor]:
        return [x for x, _, _ in islice(MixtureDataModule(8, **settings).train_dataloader(), num)]

    a, b, other = first(3, seed=1), first(3, seed=1), first(3, seed=2)
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
    assert not torch.equal(a[0], a[1])
    assert not torch.equal(a[0], other[0])
    resumed = MixtureDataModule(8, seed=1)
    resumed.load_state_dict({"num_batches": 2})
    assert torch.equal(next(iter(resumed.train_dataloader()))[0], a[2])


def test_outliers_are_as_rare_and_as_far_as_asked():
    data = MixtureDataModule(8, outlier_share=0.25, outlier_factor=100.0)
    batches = [x for x, _, _ in islice(data.train_dataloader(), 400)]
    far = torch.tensor([bool(batch.abs().max() > 15) for batch in batches])
    assert float(far.double().mean()) == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 400) ** 0.5)
    assert all(bool((batch[1:].abs() < 15).all()) for batch in batches)
    with pytest.raises(ValueError, match=r"got 1\.5"):
        MixtureDataModule(outlier_share=1.5)


def test_scale_is_the_standard_deviation_of_the_data():
    data = MixtureDataModule(20000)
    batch = next(iter(data.train_dataloader()))[0]
    assert data.scale() == pytest.approx(float(batch.std(0).square().mean().sqrt()), rel=0.02)


def test_training_lowers_the_excess(tmp_path: Path):
    torch.manual_seed(0)
    path, target, data = CosineVP(), V(), MixtureDataModule(128, 64)
    model = DiffusionModel(Perceptron(2, 48, 1), path, target, FullSpace(), data.scale())
    objective = DenoisingScoreMatching(path, target, Unweighted(target))
    task = DiffusionTask(model, objective, Clock(120), num_draws=1, learning_rate=1e-2, schedule=Constant(1))
    excess = ExcessLoss(data.data, every_steps=60, num_samples=256)
    before = excess.measure(model)
    train(task, data, tmp_path, device="cpu", precision="32-true", ema_decay=0.9, callbacks=(excess,))
    assert [row["step"] for row in excess.rows] == [60, 120]
    assert excess.rows[-1]["val/excess_low_noise"] < 0.9 * before["low_noise"]
    assert excess.rows[-1]["val/averaged_excess_low_noise"] < 0.9 * before["low_noise"]
