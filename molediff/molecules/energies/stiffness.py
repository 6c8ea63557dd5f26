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
        """The model at x (n, N, 3) in Angstrom: kcal/mol A^-2, shape (n, 3N, 3N), all x before all y and z.

        It is symmetric, and its lower triangle is all that a factorization reads: blocks above the diagonal stay zero.
        """
        num, size = len(x), self._num_atoms
        slopes = [
            torch.einsum("al,ltcn->ctan", moves, torch.stack(term.slopes))
            for term, (_, _, moves) in zip(self._field.bonded(x), self._kinds, strict=True)
        ]
        scaled = [
            one * constants[:, None, None] for one, (_, constants, _) in zip(slopes, self._kinds, strict=True)
        ]
        found = x.new_zeros(num, 3, size, 3, size)
        curvature, along = self._field.pairs.curvature(x)
        curvature.clamp_max_(_MOST_OF_PAIRS)
        for row in range(3):
            push = curvature * along[row]
            for column in range(row + 1):
                added = [
                    (left[row].unsqueeze(2) * right[column].unsqueeze(1)).flatten(0, 2)
                    for left, right in zip(scaled, slopes, strict=True)
                ]
                block = x.new_zeros(size * size, num).index_add_(0, self._blocks, torch.cat(added))
                held, of_pairs = push * along[column], found[:, row, :, column]
                torch.sub(block.t().contiguous().view(num, size, size), held, out=of_pairs)
                of_pairs.diagonal(dim1=1, dim2=2).add_(held.sum(2))
        found = found.view(num, 3 * size, 3 * size)
        found.diagonal(dim1=1, dim2=2).add_(_LEAST)
        return found

    def _blocks_of(self, atoms: Tensor) -> Tensor:
        """Where the blocks of two atoms of each term lie, (T * A * A,)."""
        return (atoms[:, :, None] * self._num_atoms + atoms[:, None, :]).flatten()
