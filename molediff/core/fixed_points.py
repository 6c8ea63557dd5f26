"""Points that are known: a denoiser that holds them, for any solver."""

from __future__ import annotations

import torch
from torch import Tensor

from molediff.core.geometry.kabsch import kabsch
from molediff.core.model import Denoiser


def hold_points(denoiser: Denoiser, known: Tensor, is_known: Tensor) -> Denoiser:
    """Put known points into every estimate of x_0, where they fit it best; the free ones are estimated around them.

    For point sets whose law does not change under proper rigid motions: the known points are then known up to such a
    motion, and take the one that the estimate gives them. What the solver takes for noise at the known points is then
    the noise they have, so that they arrive exactly, while the free points adapt to them at every noise level. As all
    conditioning by replacement, it is approximate for the free points (Trippe et al. 2023): the network sees the known
    ones only through x_t.

    Unlike `Inpainting` it needs no stochastic solver, no repeated steps and no frame in which the points are given.

    Args:
        denoiser: function (x_t, t) -> estimate of x_0, (n, N, d = 3).
        known: points (n, N, 3) in model units; rows that are not known are ignored.
        is_known: (n, N), true for known points. Samples without any are left as they are.

    Source: Wang et al. 2023 (DDNM, eq. 9: the null space is the free points), here up to rigid motions.
    """

    def held(x_t: Tensor, t: Tensor) -> Tensor:
        x_0_hat = denoiser(x_t, t)
        weights = is_known.to(x_0_hat).unsqueeze(-1)
        num_known = weights.sum(1, keepdim=True).clamp(min=1)
        centre = (weights * x_0_hat).sum(1, keepdim=True) / num_known
        points = known.to(x_0_hat)
        points = (points - (weights * points).sum(1, keepdim=True) / num_known) @ kabsch(
            points, x_0_hat, is_known
        ).mT
        return torch.where(is_known.unsqueeze(-1), points + centre, x_0_hat)

    return held
