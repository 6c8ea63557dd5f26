"""Muon: steps of orthogonal matrices, in which no direction of a layer is forgotten for others with larger gradients.

Source: Jordan et al. 2024 (Muon); Liu et al. 2025, eq. 4 (steps as large as AdamW's).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

# Of the quintic iteration whose fixed band of singular values is about [0.7, 1.2]: five steps reach it from 0.01.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_NUM_ITERATIONS = 5
# AdamW's steps have about this root mean square, in units of the learning rate.
_SIZE_OF_ADAM = 0.2
_LEAST_SIDE = 16  # of a matrix: narrower ones have few directions to balance


class Muon(torch.optim.Optimizer):
    """Muon for the weights of linear layers, AdamW for all else: tables, biases, gains, and layers of few outputs.

    Args:
        model: whose parameters are trained.
        lr: learning rate, the same for both.
        weight_decay: on the weights of linear layers.
        momentum: of Muon (Nesterov's).
        betas: of AdamW.
        eps: of AdamW.
    """

    def __init__(
        self,
        model: nn.Module,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
        eps: float = 1e-8,
    ) -> None:
        tables = {id(p) for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
        parameters = [p for p in model.parameters() if p.requires_grad]
        is_matrix = [p.ndim == 2 and min(p.shape) >= _LEAST_SIDE and id(p) not in tables for p in parameters]
        groups = [
            {
                "params": [p for p, matrix in zip(parameters, is_matrix, strict=True) if matrix == wanted],
                "matrices": wanted,
                "weight_decay": weight_decay if wanted else 0.0,
            }
            for wanted in (True, False)
        ]
        defaults = {"lr": lr, "momentum": momentum, "betas": betas, "eps": eps}
        super().__init__([group for group in groups if group["params"]], defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step, after `closure` if there is one; its value."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            (self._step_of_matrices if group["matrices"] else self._step_of_adam)(parameters, group)
        return loss

    def _step_of_matrices(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        alike: dict[torch.Size, list[Tensor]] = defaultdict(list)  # small products pay together
        for p in parameters:
            alike[p.shape].append(p)
        for shape, members in alike.items():
            directions = []
            for p in members:
                state, gradient = self.state[p], p.grad
                assert gradient is not None
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(gradient, 1 - group["momentum"])
                directions.append(gradient.lerp(state["momentum"], group["momentum"]))
            steps = orthogonalized(torch.stack(directions))
            steps *= _SIZE_OF_ADAM * max(shape) ** 0.5 * group["lr"]
            for p, step in zip(members, steps, strict=True):
                p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(step)

    def _step_of_adam(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        first, second = group["betas"]
        for p in parameters:
            state, gradient = self.state[p], p.grad
            assert gradient is not None
            if not state:
                state |= {"mean": torch.zeros_like(p), "square": torch.zeros_like(p), "step": torch.zeros(())}
            state["step"] += 1
            number = float(state["step"])
            state["mean"].lerp_(gradient, 1 - first)
            state["square"].lerp_(gradient.square(), 1 - second)
            size = (state["square"] / (1 - second**number)).sqrt_().add_(group["eps"])
            p.mul_(1 - group["lr"] * group["weight_decay"])
            p.addcdiv_(state["mean"], size, value=-group["lr"] / (1 - first**number))


def orthogonalized(matrices: Tensor) -> Tensor:
    """Matrices (..., m, n) with nearly the same singular vectors and all singular values near 1.

    Those below about 0.01 of the Frobenius norm stay smaller.
    """
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp_min(1e-20)
    for _ in range(_NUM_ITERATIONS):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * (gram @ gram)) @ x
    return x.mT if is_tall else x
