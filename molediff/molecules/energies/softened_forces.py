"""Springs between near atoms, which tell what of a force pulls on bonds and angles and what on soft motions.

A bond is a thousand times stiffer than a torsion. Near a minimum nearly all of the force is that of bonds, but nearly
all of the strain that of what is soft (docs/drugs_training.md has both for the estimates of a refiner), and a network
that learns from forces as they are learns of soft motions late.

Source: Atilgan et al. 2001, "Anisotropy of fluctuation dynamics of proteins with an elastic network model", equations 3
and 4, for the springs; Levenberg 1944 for the damping.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from molediff.networks.graph import GraphBatch
from molediff.runtime.checks import is_positive

_SPRINGS = (900.0, 150.0, 10.0)
"""Between atoms one, two and three bonds apart, in kcal/mol/Angstrom^2: with a damping of 50 half of the motions of
drug-like molecules are as stiff as in AIMNet2 within a factor of 1.5."""


class SoftenedForces:
    """Forces on structures, of which the share that is of stiff motions is weakened.

    Args:
        damping: stiffness kappa of which half of a force is left, in kcal/mol/Angstrom^2. Where it is far below that
            of bonds, these are hardly held, and training may lose them.

    Raises:
        ValueError: the damping is no finite number above 0.
    """

    def __init__(self, damping: float = 1000.0) -> None:
        if not is_positive(damping) or not math.isfinite(damping):
            raise ValueError(
                f"damping must be a finite number above 0, in kcal/mol/Angstrom^2; got {damping!r}."
            )
        self.damping = damping

    def __call__(self, forces: Tensor, places: Tensor, graphs: GraphBatch) -> Tensor:
        """(1 + K / kappa)^-1 f for the Hessian K of the springs, each at its rest length: along a motion of stiffness k
        the force times kappa / (k + kappa), which is kappa times the damped Newton step. In float32, or float64 where
        the places are; zero for structures that have no places.

        Args:
            forces: shape (n, N, 3).
            places: in Angstrom, shape (n, N, 3): n / B structures of each graph, next to each other.
            graphs: B of them.
        """
        if places.dtype != torch.float64:  # half precision has no factorization
            forces, places = forces.float(), places.float()
        num, size = places.shape[:2]
        hessian = self.hessian(places, graphs) / self.damping
        hessian.diagonal(dim1=1, dim2=2).add_(1.0)
        factor, failed = torch.linalg.cholesky_ex(hessian)
        softened = torch.cholesky_solve(forces.reshape(num, 3 * size, 1), factor).view_as(forces)
        return torch.where(failed[:, None, None] > 0, 0.0, softened)

    def hessian(self, places: Tensor, graphs: GraphBatch) -> Tensor:
        """Of the springs, in kcal/mol/Angstrom^2, shape (n, 3N, 3N); arguments as of a call."""
        num, size = places.shape[:2]
        springs = places.new_zeros(max(5, int(graphs.pair_codes[..., 1].max()) + 1))
        springs[2:5] = springs.new_tensor(_SPRINGS)  # the code of a pair is one more than the bonds between
        stiffness = springs[graphs.pair_codes[..., 1]].repeat_interleave(num // graphs.num_graphs, 0)
        along = torch.nn.functional.normalize(places.unsqueeze(2) - places.unsqueeze(1), dim=-1)
        blocks = stiffness[..., None, None] * along[..., :, None] * along[..., None, :]
        hessian = -blocks.permute(0, 1, 3, 2, 4)
        own = blocks.sum(2)
        index = torch.arange(size, device=places.device)
        hessian[:, index, :, index] += own.transpose(0, 1)
        return hessian.reshape(num, 3 * size, 3 * size)
