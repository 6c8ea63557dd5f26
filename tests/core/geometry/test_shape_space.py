"""Shapes: rigid rotations leave predictions and what is regressed."""

import pytest
import torch

from molediff.core.geometry.shape_space import ShapeSpace, without_rotation
from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.core.paths import CosineVP
from molediff.core.target import V

DTYPES = [torch.float32, torch.float64]


def points(seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    x = torch.randn(5, 7, 3, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return x - x.mean(1, keepdim=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_angular_momentum_is_left_and_what_went_is_a_rotation(dtype: torch.dtype) -> None:
    x, v = points(0, dtype), points(1, dtype)
    left = without_rotation(v, x)
    tolerance = 2e-4 if dtype == torch.float32 else 1e-4  # the ridge leaves a millionth
    assert torch.linalg.cross(x, left).sum(1).abs().max() < tolerance
    gone = v - left  # omega x r leaves all distances
    change = ((x.unsqueeze(2) - x.unsqueeze(1)) * (gone.unsqueeze(2) - gone.unsqueeze(1))).sum(-1)
    assert change.abs().max() < tolerance


def test_rotations_vanish_and_stretching_stays() -> None:
    x = points(0)
    omega = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64).expand_as(x)
    assert without_rotation(torch.linalg.cross(omega, x), x).abs().max() < 1e-4
    torch.testing.assert_close(without_rotation(x, x), x)


def test_padding_has_no_part_in_it() -> None:
    x, v = points(0), points(1)
    padded, mask = torch.cat([x, x[:, :2]], 1), torch.tensor([True] * 7 + [False] * 2).expand(5, 9)
    moved = torch.cat([v, torch.zeros_like(v[:, :2])], 1)
    torch.testing.assert_close(without_rotation(moved, padded, mask)[:, :7], without_rotation(v, x))


@pytest.mark.parametrize("name", ["line", "point"])
def test_points_on_a_line_and_a_point_give_finite_values(name: str) -> None:
    x, v = points(0), points(1)
    x[..., 1:] = 0
    if name == "point":
        x = torch.zeros_like(x)
    assert without_rotation(v, x).isfinite().all()


def test_loss_and_prediction_do_not_know_the_rotation() -> None:
    class Answer(torch.nn.Module):
        def __init__(self, v: torch.Tensor) -> None:
            super().__init__()
            self.v = v

        def forward(self, x: torch.Tensor, lambda_: torch.Tensor, condition: object) -> torch.Tensor:
            return self.v

    path, x_0, eps = CosineVP(), points(0), points(1)
    objective = DenoisingScoreMatching(path, V(), quotient=True)
    t = torch.full((5,), 0.4, dtype=torch.float64)
    x_t = objective.path.noised(x_0, eps, t)
    right = path.alpha(t)[:, None, None] * eps - path.sigma(t)[:, None, None] * x_0
    spin = torch.linalg.cross(torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64).expand_as(x_t), x_t)
    predictions = [
        DiffusionModel(Answer(v), path, V(), ShapeSpace()).predict(x_t, t) for v in (right, right + spin)
    ]
    torch.testing.assert_close(*predictions, rtol=0, atol=1e-4)
    assert objective.loss(predictions[0], x_0, eps, t).max() < 1e-8
    assert objective.loss(right + spin, x_0, eps, t).max() < 1e-8
    assert DenoisingScoreMatching(path, V()).loss(right + spin, x_0, eps, t).min() > 0.1
