"""A perceptron for samples of a few numbers, such as points of a mixture of normals."""

from __future__ import annotations

from torch import Tensor, nn

from molediff.core.model import Condition
from molediff.networks.layers import NoiseLevelEmbedding


class Perceptron(nn.Module):
    """Residual blocks of two layers, with the noise level added in each.

    Args:
        num_dimensions: numbers of a sample.
        channels: width.
        num_blocks: of the residual blocks.
    """

    def __init__(self, num_dimensions: int, channels: int = 96, num_blocks: int = 2) -> None:
        super().__init__()
        self.enter = nn.Linear(num_dimensions, channels)
        self.noise_level = NoiseLevelEmbedding(channels)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.SiLU(), nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, channels))
            for _ in range(num_blocks)
        )
        self.leave = nn.Linear(channels, num_dimensions)
        nn.init.zeros_(self.leave.weight)  # the first predictions are zero, the best constant
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, lambda_: Tensor, condition: Condition | None = None) -> Tensor:
        """Predict the target (n, num_dimensions) from `x` (n, num_dimensions) and half the log-SNR (n,)."""
        hidden, level = self.enter(x), self.noise_level(lambda_)
        for block in self.blocks:
            hidden = hidden + block(hidden + level)
        return self.leave(nn.functional.silu(hidden))
