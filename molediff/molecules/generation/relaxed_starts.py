"""Starts that went some way down a force field: rings, angles and contacts are nearly right then, and cheaply so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.errors import ForceFieldError
from molediff.molecules.generation.clock import Clock

if TYPE_CHECKING:
    from molediff.molecules.generation.starts import Starts

NUM_EVALUATIONS = {"crystal": 8, "minima": 12}
"""Evaluations of MMFF94s by what the torsions are drawn from."""
NUM_OF_MACROCYCLES = {"crystal": 8, "minima": 60}
"""The same of molecules with a large ring, which embeddings leave far from minima, and no turn about a bond mends."""


def field_of(mol: Chem.Mol, charges: bool, held: Sequence[int] = ()) -> MMFF | None:
    """MMFF94s of a molecule with explicit hydrogens, some atoms held; None where it does not describe it."""
    try:
        with rdBase.BlockLogs():
            return MMFF(mol, charges, amended=True, held=held)
    except ForceFieldError:
        return None


class RelaxedStarts:
    """Other starts after some evaluations of MMFF94s.

    Args:
        starts: from where.
        field: of the molecule.
        num_evaluations: of it.
        num_conformers: conformers asked for.
        clock: of the molecule: when its time is up, what has not moved stays.
        lowest_first: whether the first ones come in the order of their energies.

    Attributes:
        energies: of the first ones in MMFF94s, in their order, in kcal/mol, shape (num_conformers,); None before one
            is asked for.
    """

    def __init__(
        self,
        starts: Starts,
        field: MMFF,
        num_evaluations: int,
        num_conformers: int,
        clock: Clock | None = None,
        lowest_first: bool = False,
    ):
        self._starts, self._field, self._num = starts, field, num_conformers
        self._num_evaluations, self._clock = num_evaluations, clock or Clock()
        self._lowest_first = lowest_first
        self._first: np.ndarray | None = None
        self.energies: np.ndarray | None = None

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """See `Starts`."""
        if attempt == 0:
            if (
                self._first is None
            ):  # all at once, so that their last digits do not hang on who is asked for first
                x, energies = self._lowered(self._starts.positions(range(self._num), 0))
                order = np.argsort(energies, kind="stable") if self._lowest_first else np.arange(len(x))
                self._first, self.energies = x[order], energies[order]
            return self._first[np.asarray(slots)]
        others = self._starts.positions(slots, attempt)
        return np.concatenate([self._lowered(one[None])[0] for one in others])

    def _lowered(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._field.lowered(x, self._num_evaluations, lambda: self._clock.is_up)
