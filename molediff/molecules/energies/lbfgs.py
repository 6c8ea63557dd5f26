"""Many geometries downhill at once: L-BFGS, vectorized over them, with bounded steps.

Source: Nocedal & Wright 2006, Algorithm 7.4 (the two-loop recursion). There is no line search, since a second
evaluation costs as much as a step: a step that goes up in energy is taken back and tried again at a shorter bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor

Potential = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From positions (b, N, 3) and which of all geometries they are, (b,), to energies (b,) and forces (b, N, 3)."""

MAX_STEP = 0.15
"""Longest way of an atom in one step, in Angstrom."""

# Pairs of steps and changes of the force.
_MEMORY = 20
# Inverse curvature of the first step, in Angstrom^2/eV: that of a stiff bond, as in ASE's LBFGS.
_FIRST_SCALE = 1 / 70
# Between this and the last one's own estimate of it; beyond, an estimate comes from noise.
_SCALES = (1e-4, 0.5)
_SHORTER, _LONGER = 0.3, 1.5  # factors of the bound after a step up, and after one down
# In eV. Smaller rises are let be: most are rounding or a small bump, and taking them back costs evaluations.
_RISE = 0.02


class Minimized(NamedTuple):
    """Where n geometries ended.

    Attributes:
        positions: shape (n, N, 3), float64.
        energies: there, shape (n,); NaN if the potential was not finite, or the geometry was not begun.
        largest_force: norm of the largest force on a free atom there, shape (n,).
        converged: whether that is below the bound, bool, shape (n,).
        num_evaluations: of the potential, shape (n,).
        interrupted: whether the time was up before it ended, bool, shape (n,).
    """

    positions: Tensor
    energies: Tensor
    largest_force: Tensor
    converged: Tensor
    num_evaluations: Tensor
    interrupted: Tensor


@torch.no_grad()
def minimize(
    potential: Potential,
    positions: Tensor,
    free: Tensor,
    max_force: float,
    max_evaluations: int,
    batch: int,
    stop: Callable[[], bool] = lambda: False,
) -> Minimized:
    """Move every geometry to its next minimum; what becomes of one does not depend on the others.

    Args:
        potential: energies and forces.
        positions: shape (n, N, 3); not changed.
        free: which atoms move, bool, shape (n, N); padding does not.
        max_force: a minimum is where no force on a free atom is larger, in the unit of the forces.
        max_evaluations: most for one geometry; then it ends where it was lowest.
        batch: most geometries at once. A place that gets free is filled with the next one.
        stop: asked before each evaluation; once it says yes, what is not yet finished is left as it is.
    """
    start = positions.double()
    num, device = len(start), start.device
    found = Minimized(
        start.clone(),
        torch.full((num,), torch.nan, dtype=torch.float64, device=device),
        torch.full((num,), torch.inf, dtype=torch.float64, device=device),
        torch.zeros(num, dtype=torch.bool, device=device),
        torch.zeros(num, dtype=torch.long, device=device),
        torch.ones(num, dtype=torch.bool, device=device),
    )
    order = torch.arange(num, device=device)
    walkers = _begin(order[:batch], start)
    begun = len(walkers.rows)
    while len(walkers.rows) and not stop():
        energies, forces = potential(walkers.positions, walkers.rows)
        moving = free[walkers.rows, :, None]
        done = walkers.advance(energies.double(), forces.double() * moving, max_force, max_evaluations)
        if bool(done.any()):
            _write(found, walkers, done, max_force)
            more = order[begun : begun + batch - int((~done).sum())]
            begun += len(more)
            walkers = walkers.joined(~done, _begin(more, start))
    return found


def _begin(rows: Tensor, start: Tensor) -> _Walkers:
    x = start[rows]
    num, size = len(rows), x[0].numel() if len(rows) else start[0].numel() if len(start) else 0
    return _Walkers(
        rows=rows,
        positions=x,
        best=x.clone(),
        force=x.new_zeros(num, size),
        energy=x.new_full((num,), torch.inf),
        steps=x.new_zeros(num, _MEMORY, size),
        changes=x.new_zeros(num, _MEMORY, size),
        inverse=x.new_zeros(num, _MEMORY),
        scale=x.new_full((num,), _FIRST_SCALE),
        bound=x.new_full((num,), MAX_STEP),
        count=torch.zeros(num, dtype=torch.long, device=x.device),
    )


def _write(found: Minimized, walkers: _Walkers, done: Tensor, max_force: float) -> None:
    rows = walkers.rows[done]
    found.positions[rows] = walkers.best[done]
    finite = torch.isfinite(walkers.energy[done])
    found.energies[rows] = torch.where(finite, walkers.energy[done], torch.nan)
    largest = _largest(walkers.force[done])
    found.largest_force[rows] = torch.where(finite, largest, torch.inf)
    found.converged[rows] = finite & (largest <= max_force)
    found.num_evaluations[rows] = walkers.count[done]
    found.interrupted[rows] = False


def _largest(vectors: Tensor) -> Tensor:
    """Norm of the longest of the N vectors, shape (b,), of (b, 3N)."""
    return vectors.unflatten(-1, (-1, 3)).norm(dim=-1).amax(-1)


@dataclass
class _Walkers:
    """Geometries on their way; D = 3N.

    Attributes:
        rows: which geometries they are, shape (b,).
        positions: where the potential is evaluated next, shape (b, N, 3).
        best: the lowest so far, from where the next step goes, shape (b, N, 3).
        force: there, shape (b, D).
        energy: there, shape (b,); infinite before the first evaluation.
        steps, changes: the last steps and what they took from the force, the newest last, shape (b, memory, D).
        inverse: 1 / (step . change), 0 where there is none, shape (b, memory).
        scale: estimated inverse curvature, shape (b,).
        bound: longest way of an atom, shape (b,).
        count: evaluations, shape (b,).
    """

    rows: Tensor
    positions: Tensor
    best: Tensor
    force: Tensor
    energy: Tensor
    steps: Tensor
    changes: Tensor
    inverse: Tensor
    scale: Tensor
    bound: Tensor
    count: Tensor

    def joined(self, kept: Tensor, new: _Walkers) -> _Walkers:
        """Those that are kept, and new ones behind them."""
        parts = ((getattr(self, field.name), getattr(new, field.name)) for field in fields(self))
        return _Walkers(*(torch.cat([old[kept], added]) for old, added in parts))

    def advance(self, energies: Tensor, forces: Tensor, max_force: float, max_evaluations: int) -> Tensor:
        """Take or take back the last step, and make the next one where it is not done; which are done, (b,)."""
        force = forces.flatten(1)
        self.count += 1
        finite = torch.isfinite(energies) & torch.isfinite(force).all(1)
        lower = finite & (energies <= self.energy + _RISE)
        self._remember(lower, force)
        self.best = torch.where(lower[:, None, None], self.positions, self.best)
        self.force = torch.where(lower[:, None], force, self.force)
        self.energy = torch.where(lower, energies, self.energy)
        self.bound = torch.where(lower, (_LONGER * self.bound).clamp(max=MAX_STEP), _SHORTER * self.bound)
        self._forget(~lower)
        lost = ~torch.isfinite(self.energy)  # not finite where it began
        step = self._step().view_as(self.best)
        self.positions = self.best + step
        return lost | (_largest(self.force) <= max_force) | (self.count >= max_evaluations)

    def _remember(self, taken: Tensor, force: Tensor) -> None:
        step = (self.positions - self.best).flatten(1)
        change = self.force - force
        product, square = (step * change).sum(1), (change * change).sum(1)
        good = taken & torch.isfinite(self.energy) & (product > 1e-12)
        # Geometries without a good pair keep those that they have, in their places.
        for name, new in (("steps", step), ("changes", change), ("inverse", 1 / product)):
            old = getattr(self, name)
            mask = good.view(-1, *(1,) * (old.dim() - 1))
            shifted = torch.cat([old[:, 1:], new[:, None]], 1)
            setattr(self, name, torch.where(mask, shifted, old))
        self.scale = torch.where(good, (product / square).clamp(*_SCALES), self.scale)

    def _forget(self, which: Tensor) -> None:
        """A step went up: what had led to it does not hold here."""
        self.inverse = self.inverse.masked_fill(which[:, None], 0.0)

    def _step(self) -> Tensor:
        """Along the inverse of the estimated Hessian, within the bound, shape (b, D)."""
        along, weights = self.force.clone(), []
        for k in reversed(range(_MEMORY)):
            weights.append(self.inverse[:, k] * (self.steps[:, k] * along).sum(1))
            along = along - weights[-1][:, None] * self.changes[:, k]
        along = self.scale[:, None] * along
        for k in range(_MEMORY):
            back = self.inverse[:, k] * (self.changes[:, k] * along).sum(1)
            along = along + (weights[_MEMORY - 1 - k] - back)[:, None] * self.steps[:, k]
        uphill = (along * self.force).sum(1) <= 0
        along = torch.where(uphill[:, None], _FIRST_SCALE * self.force, along)
        return along * (self.bound / _largest(along).clamp_min(1e-12)).clamp(max=1.0)[:, None]
