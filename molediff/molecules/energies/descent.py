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
NEW_METRIC = 7
"""Steps after which the model of the Hessian is made anew: when torsions have turned it is another one."""

_RISE = 0.2  # kcal/mol that a step may lead uphill
_SHORTER, _LONGER = (
    0.3,
    1.5,
)  # factors of the longest way, after a step that led up and after one that led down
_LEAST_PRODUCT = 1e-8
_HELD = 1e6  # kcal/mol A^-2, a thousand times as stiff as a bond


class Descent:
    """Conformers on their way down, which can be stopped, thinned out and gone on with; what becomes of one does not
    depend on the others.

    Args:
        potential: energies and forces. What is not finite is not gone to.
        stiffness: a positive model of the Hessian, (n, 3N, 3N), x of all atoms first, then y and z; its lower triangle
            is read.
        x: shape (n, N, 3); not changed.
        held: atoms that stay where they are, int64, shape (K,); None lets all move.

    Attributes:
        x: where they are, shape (n, N, 3).
        energy: there, shape (n,).
    """

    @torch.no_grad()
    def __init__(
        self,
        potential: Potential,
        stiffness: Callable[[Tensor], Tensor],
        x: Tensor,
        held: Tensor | None = None,
    ) -> None:
        self._potential, self._stiffness, self._held = potential, stiffness, held
        self.x = x
        self.energy, self._force = self._evaluated(x)
        self._bound = torch.full_like(self.energy, MAX_STEP)
        self._factor, self._memory, self._num_steps = x.new_empty(0), list[tuple[Tensor, Tensor, Tensor]](), 0

    @torch.no_grad()
    def go_on(self, num_steps: int, out_of_time: Callable[[], bool] = lambda: False) -> None:
        """So many steps, one evaluation of the potential each.

        Args:
            num_steps: of each conformer.
            out_of_time: asked before each step; once it says yes, it ends there.
        """
        for _ in range(num_steps):
            if out_of_time():
                return
            if self._num_steps % NEW_METRIC == 0:
                self._factor, self._memory = torch.linalg.cholesky_ex(self._model()).L, []
            self._step()
            self._num_steps += 1

    def keep(self, rows: Tensor) -> None:
        """Go on with these of the conformers, by position, shape (k,)."""
        self.x, self.energy, self._force = self.x[rows], self.energy[rows], self._force[rows]
        self._bound = self._bound[rows]
        self._factor = self._factor[rows] if len(self._factor) else self._factor
        self._memory = [(way[rows], change[rows], inverse[rows]) for way, change, inverse in self._memory]

    def _evaluated(self, x: Tensor) -> tuple[Tensor, Tensor]:
        energy, force = self._potential(x)
        return energy, force if self._held is None else force.index_fill(1, self._held, 0.0)

    def _model(self) -> Tensor:
        model = self._stiffness(self.x)
        if self._held is not None:
            model.diagonal(dim1=1, dim2=2).unflatten(1, (3, -1))[:, :, self._held] += _HELD
        return model

    def _step(self) -> None:
        step = _downhill(_flat(self._force), self._factor, self._memory).unflatten(1, (3, -1)).transpose(1, 2)
        if self._held is not None:
            step = step.index_fill(1, self._held, 0.0)
        longest = step.norm(dim=-1).amax(1).clamp_min(1e-9)
        step = step * (self._bound / longest).clamp_max(1.0)[:, None, None]
        energy, force = self._evaluated(self.x + step)
        lower = energy <= self.energy + _RISE  # false for what is not finite
        way, change = _flat(step), _flat(self._force - force)
        product = (way * change).sum(1)
        kept = [(one, two, torch.where(lower, inverse, 0.0)) for one, two, inverse in self._memory]
        inverse = torch.where(lower & (product > _LEAST_PRODUCT), 1 / product, 0.0)
        self._memory = [*kept, (way.nan_to_num(), change.nan_to_num(), inverse)]
        self._bound = torch.where(lower, (_LONGER * self._bound).clamp_max(MAX_STEP), _SHORTER * self._bound)
        self.x = torch.where(lower[:, None, None], self.x + step, self.x)
        self._force = torch.where(lower[:, None, None], force, self._force)
        self.energy = torch.where(lower, energy, self.energy)


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
