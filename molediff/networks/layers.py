"""Small building blocks shared by the networks."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn


class GaussianBasis(nn.Module):
    """Distances as smooth bumps: exp(-((d - c_k) / w_k)^2 / 2), close together where bonds and angles live.

    Args:
        num_basis: number of Gaussians.
        cutoff: centre of the last Gaussian, in the unit of the distances (Angstrom for molecules).
        power: centres are cutoff (k / (num_basis - 1))^power; above 1 they crowd at short distance.
    """

    def __init__(self, num_basis: int = 32, cutoff: float = 10.0, power: float = 1.6):
        super().__init__()
        grid = torch.linspace(0.0, 1.0, num_basis, dtype=torch.float64)
        centres = cutoff * grid**power
        # The local spacing as the width: neighbours overlap at 0.6, so that no distance falls between two bumps.
        spacing = torch.diff(centres, append=2 * centres[-1:] - centres[-2:-1])
        self.register_buffer("centres", centres.float(), persistent=False)
        self.register_buffer("inverse_widths", (1.0 / spacing.clamp_min(0.1)).float(), persistent=False)
        self.centres: Tensor
        self.inverse_widths: Tensor

    def forward(self, distances: Tensor) -> Tensor:
        """(...,) -> (..., num_basis)."""
        device = distances.device.type
        autocast = torch.is_autocast_enabled(device)
        if torch.compiler.is_compiling() or (autocast and torch.is_grad_enabled()):
            z = (distances.unsqueeze(-1) - self.centres) * self.inverse_widths
            # Rounded, as the matrix product that follows would do it anyway: half the memory for the way back.
            return _bumps(z.to(torch.get_autocast_dtype(device)) if autocast else z)
        if torch.is_inference_mode_enabled():  # torch looks at a function's signature each time it is applied
            return _Bumps.forward(distances, self.centres, self.inverse_widths)
        bumps: Tensor = _Bumps.apply(distances, self.centres, self.inverse_widths)
        return bumps

    def projected(self, distances: Tensor, projection: nn.Linear) -> Tensor:
        """What `projection` makes of the bumps: (...,) -> (..., out_features).

        A compiled network whose weights are fixed gets the derivative by the distances alone, as one number a distance
        and feature: products with a Jacobian then do without the bumps, which are the widest tensors there are.
        """
        if not (torch.compiler.is_compiling() and distances.requires_grad) or projection.weight.requires_grad:
            return projection(self(distances))
        fixed = distances.detach()
        z = (fixed.unsqueeze(-1) - self.centres) * self.inverse_widths
        bumps = _bumps(z)
        slope = projection(bumps * z * -self.inverse_widths)
        return projection(bumps) + (distances - fixed).unsqueeze(-1) * slope


# Bumps are held above exp(-40): exp is ten times slower where it underflows, and denormal numbers are slow ever after.
_LARGEST_SQUARE = 80.0


def _bumps(z: Tensor) -> Tensor:
    return torch.exp((z * z).clamp(max=_LARGEST_SQUARE) * -0.5)


class _Bumps(torch.autograd.Function):
    """The bumps of distances, with their slope worked out once for all vectors that a Jacobian is multiplied with.

    Autograd's own chain passes eight times over the largest tensors there are, which is a quarter of the cost of an
    exact divergence.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(distances: Tensor, centres: Tensor, inverse_widths: Tensor) -> Tensor:
        # In place, as nothing here is differentiated: the bumps are wide, and memory is what limits the speed.
        z = torch.addcmul(-centres * inverse_widths, distances.unsqueeze(-1), inverse_widths)
        return z.square_().clamp_(max=_LARGEST_SQUARE).mul_(-0.5).exp_()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        distances, centres, inverse_widths = ctx.saved_tensors
        z = (distances.unsqueeze(-1) - centres) * inverse_widths
        return (gradient * (_bumps(z) * z * -inverse_widths)).sum(-1), None, None


class NoiseLevelEmbedding(nn.Module):
    """Half log-SNR lambda (n,) -> (n, channels): sines and cosines of several wavelengths, then a small MLP."""

    def __init__(self, channels: int, num_frequencies: int = 16):
        super().__init__()
        # lambda spans about [-7, 7]: wavelengths from 1 to 50 resolve it without aliasing.
        wavelengths = torch.logspace(0.0, math.log10(50.0), num_frequencies, dtype=torch.float64)
        self.register_buffer("frequencies", (2 * math.pi / wavelengths).float(), persistent=False)
        self.frequencies: Tensor
        self.mlp = nn.Sequential(
            nn.Linear(2 * num_frequencies, channels), nn.SiLU(), nn.Linear(channels, channels)
        )

    def forward(self, lambda_: Tensor) -> Tensor:
        phase = lambda_.unsqueeze(-1) * self.frequencies
        return self.mlp(torch.cat([phase.sin(), phase.cos()], dim=-1))


class CodeEmbedding(nn.Module):
    """Sum of the embeddings of several categorical codes: (..., len(cardinalities)) -> (..., channels)."""

    def __init__(self, cardinalities: tuple[int, ...], channels: int):
        super().__init__()
        self.table = nn.Embedding(sum(cardinalities), channels)
        starts = torch.tensor([0, *cardinalities[:-1]]).cumsum(0)
        self.register_buffer("starts", starts, persistent=False)
        self.starts: Tensor
        nn.init.normal_(self.table.weight, std=1.0 / math.sqrt(len(cardinalities)))

    def forward(self, codes: Tensor) -> Tensor:
        rows = nn.functional.embedding_bag(
            (codes + self.starts).reshape(-1, codes.shape[-1]), self.table.weight, mode="sum"
        )
        return rows.view(*codes.shape[:-1], -1)


def needed(mask: Tensor) -> Tensor | None:
    """`mask`, or None where all of it is real and that can be seen for nothing: a GPU would have to be waited for."""
    return None if mask.device.type == "cpu" and bool(mask.all()) else mask


def softmax_bias(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Additive bias (n, 1, 1, N) that keeps attention away from padded atoms; None where nothing is padded."""
    if mask is None:
        return None
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, -1e9)[:, None, None, :]


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """(n, N, num_heads * c) -> (n, num_heads, N, c)."""
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)
