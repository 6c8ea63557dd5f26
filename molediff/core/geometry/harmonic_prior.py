r"""Noise with the shape of the graph: the harmonic prior, under which bonded points begin near each other.

With K = L + ridge, L the Laplacian of the bond graph (a spring of stiffness one along each bond) and a weak spring of
stiffness `ridge` from each point to the centre, unit normals z give points of a random polymer,

    x = A z,        A = c K^(-1/2)  in the space of zero centre of mass.

A is symmetric and acts on the points alone, so it commutes with rotations and follows permutations. A model with this
prior diffuses z: all of the core stays as it is there, and the network still sees points, x_t = A z_t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class HarmonicPrior:
    """Points joined by springs along their bonds (Jing et al. 2023, EigenFold, eq. 2; Stark et al. 2024).

    The scale c of each sample is such that its noise has the mean variance that the unit normal of zero centre of mass
    has: on a graph with all bonds the two are the same.

    Attributes:
        ridge: stiffness of the springs to the centre, where a bond has 1. They hold fragments together, which no bond
            joins, and bound the spread of long chains: the softest mode of a chain of 30 atoms has stiffness 0.011.

    Raises:
        ValueError: `ridge` is not positive.
    """

    ridge: float = 0.01

    def __post_init__(self) -> None:
        if not self.ridge > 0:
            raise ValueError(f"ridge is the stiffness of a spring and must be positive; got {self.ridge}.")

    def attach(self, encoding: Any, condition: Any) -> SpringCoordinates:
        """`encoding` of `condition` with the maps between z and points for the bonds of `condition`.

        Args:
            encoding: what the network knows of `condition`.
            condition: graphs with the attributes `bonded` (n, N, N) and `mask` (n, N), booleans.

        Raises:
            ValueError: `condition` has no bonds.
        """
        if not hasattr(condition, "bonded"):
            raise ValueError(
                f"A harmonic prior needs the bonds of the samples; the condition is {type(condition).__name__}: give "
                "a GraphBatch, or build the model without a prior."
            )
        variance, modes = self._modes(condition.bonded, condition.mask)
        std = variance.sqrt()
        inverse_std = torch.where(variance > 0, variance.rsqrt(), 0.0)
        to_points, from_points = ((modes * s.unsqueeze(1) @ modes.mT) for s in (std, inverse_std))
        dtype = torch.get_default_dtype()
        return SpringCoordinates(encoding, condition.mask, to_points.to(dtype), from_points.to(dtype))

    @torch.no_grad()
    def _modes(self, bonded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Variances (n, N) of the modes (n, N, N; in columns), in float64; 0 for the centre and for padding."""
        springs, real = bonded.double(), mask.double()
        laplacian = torch.diag_embed(springs.sum(-1)) - springs
        mean = real.unsqueeze(2) * real.unsqueeze(1) / real.sum(1).clamp(min=1)[:, None, None]
        stiffness, modes = torch.linalg.eigh(laplacian + self.ridge * (torch.diag_embed(real) - mean))
        variance = torch.where(stiffness > 0.5 * self.ridge, 1 / stiffness, 0.0)
        num_modes = (variance > 0).sum(1, keepdim=True)
        return variance * num_modes / variance.sum(1, keepdim=True).clamp(min=self.ridge), modes


@dataclass(frozen=True)
class SpringCoordinates:
    """An encoded condition, with the maps between z and points.

    Attributes:
        encoding: what the network knows of the condition.
        mask: true for real points, shape (n, N).
        root: A, shape (n, N, N).
        inverse: its inverse in the space of zero centre of mass, shape (n, N, N).
    """

    encoding: Any
    mask: Tensor
    root: Tensor
    inverse: Tensor

    def to_points(self, z: Tensor) -> Tensor:
        """Points x = A z of `z` (n, N, d)."""
        return _product(self.root, z)

    def from_points(self, x: Tensor) -> Tensor:
        """The z of points `x` (n, N, d), whose centre is left out."""
        return _product(self.inverse, x)

    def repeat(self, k: int) -> SpringCoordinates:
        """Each sample `k` times, copies next to each other."""
        mask, root, inverse = (m.repeat_interleave(k, dim=0) for m in (self.mask, self.root, self.inverse))
        return SpringCoordinates(self.encoding.repeat(k), mask, root, inverse)


def _product(matrix: Tensor, x: Tensor) -> Tensor:
    """`matrix` (n, N, N) times `x` (n, N, d) in the precision of `x`, also under autocast: these are coordinates."""
    with torch.autocast(x.device.type, enabled=False):
        return matrix.to(x) @ x
