"""Rotations that lay one point set onto another."""

from __future__ import annotations

import torch
from torch import Tensor


def kabsch(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """Proper rotations that turn the point sets `x` onto `y` with least squared distance, after both are centred.

    Args:
        x: points in two or more dimensions, shape (n, N, d). Apply the result as `x @ rotation.mT`.
        y: points to turn onto, shape (n, N, d).
        mask: (n, N), true for real points; None if all are.

    Returns:
        Rotations of determinant +1, shape (n, d, d), in float32 (float64 for float64 input). Where the best
        rotation is not unique (points on a line, a single point, a mirror image), one of the best.

    Source: Kabsch 1976; Umeyama 1991, eq. 40 to 43 (the sign that excludes reflections).
    """
    dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        weights = torch.ones(x.shape[:2], device=x.device) if mask is None else mask
        weights = weights.to(dtype).unsqueeze(-1)
        num_points = weights.sum(1, keepdim=True).clamp(min=1)
        x, y = x.to(dtype) * weights, y.to(dtype) * weights
        centred = (x - x.sum(1, keepdim=True) / num_points) * weights
        # A sample that is not finite gets some rotation and stays what it is; SVD would refuse the whole batch.
        covariance = torch.nan_to_num(y.mT @ centred, nan=0.0, posinf=0.0, neginf=0.0)
        # Singular vectors do not depend on the scale, and a scale of one keeps tiny or huge sets away from
        # under- and overflow.
        scale = covariance.abs().amax((1, 2), keepdim=True)
        covariance = covariance / torch.where(scale > 0, scale, torch.ones_like(scale))
        u, _, vh = torch.linalg.svd(covariance)
        sign = torch.sign(torch.linalg.det(u) * torch.linalg.det(vh))
        u = torch.cat([u[:, :, :-1], u[:, :, -1:] * sign[:, None, None]], dim=2)
        return u @ vh
