"""The quotient of point sets by rotations: shapes, which have no orientation to diffuse in.

A velocity of points splits into a rigid rotation, which changes the orientation alone, and the rest, which is
horizontal and changes the shape. A network for shapes has nothing to learn of the rotation.

Source: Kendall 1984, shape manifolds; the split of a motion is Eckart's 1935 of a molecule's vibration and rotation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.geometry.space import ZeroCentreOfMass

# Of the trace of the inertia tensor, added to its diagonal: points on a line have no moment about it.
_RIDGE = 1e-6


def without_rotation(v: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Velocities `v` without the rigid rotation that they hold: least squares of v - omega x r.

    Args:
        v: velocities, shape (n, N, 3).
        x: positions, whose mean over the real rows is zero, shape (n, N, 3).
        mask: (n, N), true for real rows.

    Returns:
        Velocities without angular momentum about the mean, shape (n, N, 3), padding as in `v`.
    """
    with torch.autocast(x.device.type, enabled=False):
        r = x.to(v) if mask is None else x.to(v).masked_fill(~mask.unsqueeze(-1), 0)
        momentum = torch.linalg.cross(r, v).sum(1)
        moments = r.mT @ r
        trace = moments.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None]
        identity = torch.eye(3, dtype=r.dtype, device=r.device)
        inertia = trace * identity * (1 + _RIDGE) - moments + torch.finfo(r.dtype).tiny * identity
        omega = torch.linalg.solve(inertia, momentum)
        return v - torch.linalg.cross(omega.unsqueeze(1).expand_as(r), r)


@dataclass(frozen=True)
class ShapeSpace(ZeroCentreOfMass):
    """Point sets (n, N, 3) of zero mean, whose predictions move no orientation.

    The noise is that of `ZeroCentreOfMass`: it is the learned velocity of the ODE that is projected. Train with
    `DenoisingScoreMatching(quotient=True)`, which leaves the rotation out of what is regressed too.
    """

    def velocity(self, v: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return without_rotation(self.project(v, mask), x, mask)
