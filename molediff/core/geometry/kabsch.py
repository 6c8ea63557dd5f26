"""Rotations that lay one point set onto another."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# The power 16^6 = 2^24 of a matrix tells eigenvalues apart that differ by 1e-7 of the largest.
_POWERS_OF_SIXTEEN = 6


def kabsch(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """Proper rotations that turn the point sets `x` onto `y` with least squared distance, after both are centred.

    Args:
        x: points in two or more dimensions, shape (n, N, d). Apply the result as `x @ rotation.mT`.
        y: points to turn onto, shape (n, N, d).
        mask: (n, N), true for real points; None if all are.

    Returns:
        Rotations of determinant +1, shape (n, d, d), in float32 (float64 for float64 input). Where the best
        rotation is not unique (points on a line, a single point, a mirror image), one of the best.

    Source: Kabsch 1976; in three dimensions Horn 1987 (unit quaternions), in others Umeyama 1991, eq. 40 to 43.
    """
    dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        weights = torch.ones(x.shape[:2], device=x.device) if mask is None else mask
        weights = weights.to(dtype).unsqueeze(-1)
        num_points = weights.sum(1, keepdim=True).clamp(min=1)
        x, y = x.to(dtype) * weights, y.to(dtype) * weights
        centred = (x - x.sum(1, keepdim=True) / num_points) * weights
        # A sample that is not finite gets some rotation and stays what it is.
        covariance = torch.nan_to_num(y.mT @ centred, nan=0.0, posinf=0.0, neginf=0.0)
        # Rotations do not depend on the scale, and a scale of one keeps tiny or huge sets away from under- and
        # overflow.
        scale = covariance.abs().amax((1, 2), keepdim=True)
        covariance = covariance / torch.where(scale > 0, scale, torch.ones_like(scale))
        if covariance.is_cuda and covariance.shape[-1] == 3:
            return by_quaternions(covariance)
        return by_singular_values(covariance)


def by_singular_values(covariance: Tensor) -> Tensor:
    """The proper rotations R of largest trace R^T C for matrices C of any dimension: (n, d, d) -> (n, d, d)."""
    u, _, vh = torch.linalg.svd(covariance)
    sign = torch.sign(torch.linalg.det(u) * torch.linalg.det(vh))
    u = torch.cat([u[:, :, :-1], u[:, :, -1:] * sign[:, None, None]], dim=2)
    return u @ vh


def by_quaternions(covariance: Tensor) -> Tensor:
    """The same in three dimensions, (n, 3, 3) -> (n, 3, 3), by matrix products alone.

    A GPU works them off without the host, which decompositions make wait. Entries of `covariance` are one at most.

    The best quaternion is the eigenvector of the largest eigenvalue of a symmetric 4 x 4 matrix of trace zero. A high
    power of that matrix, shifted to be positive, is the projection onto it.
    """
    c = covariance.double()
    c = c / c.abs().amax((1, 2), keepdim=True).clamp_min(1e-300)  # squares of small numbers would be lost
    (xx, yx, zx), (xy, yy, zy), (xz, yz, zz) = (row.unbind(-1) for row in c.unbind(-2))
    rows = (
        (xx + yy + zz, yz - zy, zx - xz, xy - yx),
        (yz - zy, xx - yy - zz, xy + yx, zx + xz),
        (zx - xz, xy + yx, yy - xx - zz, yz + zy),
        (xy - yx, zx + xz, yz + zy, zz - xx - yy),
    )
    key = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    # No eigenvalue is beyond the sum of the singular values; the last term is for a covariance of zero.
    shift = math.sqrt(3) * c.square().sum((1, 2)).sqrt() + 1e-300
    power = key + torch.diag_embed(shift.unsqueeze(-1).expand(-1, 4))
    for _ in range(_POWERS_OF_SIXTEEN):
        power = power / power.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None]
        for _ in range(4):
            power = power @ power
    longest = power.diagonal(dim1=1, dim2=2).argmax(-1)
    quaternion = power.gather(2, longest[:, None, None].expand(-1, 4, 1)).squeeze(-1)
    w, x, y, z = torch.nn.functional.normalize(quaternion, dim=-1).unbind(-1)
    turns = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in turns], dim=-2).to(covariance)
