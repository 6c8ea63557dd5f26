"""Conformers of one molecule downhill, all at once and within few evaluations: L-BFGS in the metric of a model Hessian.

`lbfgs` is for potentials that are dear, and goes all the way. Here an evaluation is cheap and a good part of the way is
enough.

Source: Nocedal & Wright 2006, Algorithm 7.4; Mones, Ortner and Csanyi 2018 (the metric).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Potential = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From positions (n, N, 3) to energies (n,) and forces (n, N, 3)."""

MAX_STEP = 0.3
"""Longest way of an atom in one step, in Angstrom."""
NEW_METRIC = 5
"""Evaluations after which the model of the Hessian is made anew: when torsions have turned it is another one."""

_RISE = 0.2  # kcal/mol that a step may lead uphill
_SHORTER, _LONGER = (
    0.3,
    1.5,
)  # factors of the longest way, after a step that led up and after one that led down
_LEAST_PRODUCT = 1e-8


@torch.no_grad()
def descend(
    potential: Potential,
    stiffness: Callable[[Tensor], Tensor],
    x: Tensor,
    num_evaluations: int,
    out_of_time: Callable[[], bool] = lambda: False,
) -> tuple[Tensor, Tensor]:
    """Lower geometries and their energies; what becomes of one does not depend on the others.

    Args:
        potential: energies and forces. What is not finite is not gone to.
        stiffness: a positive model of the Hessian, (n, 3N, 3N), x of all atoms first, then y and z.
        x: shape (n, N, 3); not changed.
        num_evaluations: of the potential.
        out_of_time: asked before each evaluation; once it says yes, it ends there.

    Returns:
        Positions (n, N, 3) and energies (n,) there.
    """
    energy, force = potential(x)
    bound = torch.full_like(energy, MAX_STEP)
    factor, memory = x.new_empty(0), list[tuple[Tensor, Tensor, Tensor]]()
    for number in range(num_evaluations - 1):
        if out_of_time():
            break
        if number % NEW_METRIC == 0:
            factor, memory = torch.linalg.cholesky_ex(stiffness(x)).L, []
        step = _downhill(_flat(force), factor, memory).unflatten(1, (3, -1)).transpose(1, 2)
        longest = step.norm(dim=-1).amax(1).clamp_min(1e-9)
        step = step * (bound / longest).clamp_max(1.0)[:, None, None]
        new_energy, new_force = potential(x + step)
        lower = new_energy <= energy + _RISE  # false for what is not finite
        way, change = _flat(step), _flat(force - new_force)
        product = (way * change).sum(1)
        kept = [(one, two, torch.where(lower, inverse, 0.0)) for one, two, inverse in memory]
        inverse = torch.where(lower & (product > _LEAST_PRODUCT), 1 / product, 0.0)
        memory = [*kept, (way.nan_to_num(), change.nan_to_num(), inverse)]
        bound = torch.where(lower, (_LONGER * bound).clamp_max(MAX_STEP), _SHORTER * bound)
        x = torch.where(lower[:, None, None], x + step, x)
        force = torch.where(lower[:, None, None], new_force, force)
        energy = torch.where(lower, new_energy, energy)
    return x, energy


def _flat(x: Tensor) -> Tensor:
    """Points or forces (n, N, 3), x of all atoms first, then y and z, (n, 3N)."""
    return x.transpose(1, 2).flatten(1)


def _downhill(force: Tensor, factor: Tensor, memory: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """The force (n, D) times the inverse of the estimated Hessian, by the two-loop recursion."""
    along, weights = force, []
    for way, change, inverse in reversed(memory):
        weights.append(inverse * (way * along).sum(1))
        along = along - weights[-1][:, None] * change
    along = torch.cholesky_solve(along[:, :, None], factor)[:, :, 0]
    for (way, change, inverse), weight in zip(memory, reversed(weights), strict=True):
        along = along + (weight - inverse * (change * along).sum(1))[:, None] * way
    return along
