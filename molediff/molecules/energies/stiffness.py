"""A model of the Hessian of MMFF94s, positive and cheap, that tells a descent what is stiff and what is soft.

A bond is a thousand times stiffer than a torsion. Down a gradient alone every step is as short as bonds want it; in
the metric of such a model bonds and torsions arrive together.

Source: Mones, Ortner and Csanyi 2018, "Preconditioners for the geometry optimisation and saddle point search of
molecular systems", equation 11: the sum of k (dq/dx)(dq/dx)^T over internal coordinates q.
"""

from __future__ import annotations

import torch
from torch import Tensor

from molediff.molecules.energies.mmff_field import MDYN, MMFFField

# By how much lines change when an atom moves: lines (columns) run between the atoms (rows) of a term.
_STRETCH = ((1.0,), (-1.0,))
_BEND = ((1.0, 0.0), (-1.0, -1.0), (0.0, 1.0))
_PLANE = ((1.0, 0.0, 0.0), (-1.0, -1.0, -1.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_TURN = ((-1.0, 0.0, 0.0), (1.0, -1.0, 0.0), (0.0, 1.0, -1.0), (0.0, 0.0, 1.0))

# kcal/mol rad^-2, kcal/mol A^-2: also what nothing holds is held a little, and no contact is stiffer than a bond.
_LEAST_OF_TORSIONS = 2.0
_LEAST, _MOST_OF_PAIRS = 1.0, 200.0


class Stiffness:
    """The model for one molecule.

    Args:
        field: of the molecule.
    """

    def __init__(self, field: MMFFField):
        terms = field.terms
        v1, v2, v3 = terms.torsion_parameters.abs().unbind(1)
        of_torsions = 0.5 * v1 + 2 * v2 + 4.5 * v3 + _LEAST_OF_TORSIONS
        self._field, self._num_atoms = field, field.num_atoms
        self._kinds = [
            (terms.bonds, MDYN * terms.bond_parameters[:, 0], of_torsions.new_tensor(_STRETCH)),
            (terms.angles, MDYN * terms.angle_parameters[:, 0], of_torsions.new_tensor(_BEND)),
            (terms.planes, MDYN * terms.plane_parameters[:, 0], of_torsions.new_tensor(_PLANE)),
            (terms.torsions, of_torsions, of_torsions.new_tensor(_TURN)),
        ]
        self._blocks = torch.cat([self._blocks_of(atoms) for atoms, _, _ in self._kinds])

    def __call__(self, x: Tensor) -> Tensor:
        """The model at x (n, N, 3) in Angstrom: kcal/mol A^-2, shape (n, 3N, 3N), all x before all y and z."""
        num, size = len(x), self._num_atoms
        added = []
        for term, (_, constants, moves) in zip(self._field.bonded(x), self._kinds, strict=True):
            slopes = torch.einsum("al,ltcn->tacn", moves, torch.stack(term.slopes))
            scaled = slopes * constants[:, None, None, None]
            added.append((scaled[:, :, None, :, None] * slopes[:, None, :, None]).flatten(0, 1).flatten(0, 1))
        found = x.new_zeros(size * size, 3, 3, num).index_add_(0, self._blocks, torch.cat(added))
        found = found.view(size, size, 3, 3, num).permute(4, 2, 0, 3, 1).contiguous()
        self._add_contacts(found, x)
        found = found.view(num, 3 * size, 3 * size)
        found.diagonal(dim1=1, dim2=2).add_(_LEAST)
        return found

    def _add_contacts(self, found: Tensor, x: Tensor) -> None:
        """Add what contacts hold to the blocks, (n, 3, N, 3, N)."""
        curvature, along = self._field.pairs.curvature(x)
        curvature.clamp_max_(_MOST_OF_PAIRS)
        for a in range(3):
            push = curvature * along[a]
            for b in range(a, 3):
                held = push * along[b]
                on_itself = held.sum(2)
                for one, other in {(a, b), (b, a)}:
                    found[:, one, :, other] -= held
                    found[:, one, :, other].diagonal(dim1=1, dim2=2).add_(on_itself)

    def _blocks_of(self, atoms: Tensor) -> Tensor:
        """Where the blocks of two atoms of each term lie, (T * A * A,)."""
        return (atoms[:, :, None] * self._num_atoms + atoms[:, None, :]).flatten()
