"""Starts that took a few steps of a force field: rings, angles and contacts are nearly right then, and cheaply so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.errors import ForceFieldError

if TYPE_CHECKING:
    from molediff.molecules.generation.starts import Starts

NUM_STEPS = {"crystal": 20, "minima": 60}
"""Steps of MMFF94s by what the torsions are drawn from. More bring crystals no nearer; 30 in place of 60 leave
minima a third more strain."""


class RelaxedStarts:
    """Other starts after `NUM_STEPS` of MMFF94s, without charges for crystals.

    Where it does not describe the molecule they are the others as they are.

    Args:
        starts: where the steps begin.
        mol: explicit hydrogens.
        init: "crystal" or "minima".
    """

    def __init__(self, starts: Starts, mol: Chem.Mol, init: str):
        self._starts, self._num_steps = starts, NUM_STEPS[init]
        try:
            with rdBase.BlockLogs():
                self._field: MMFF | None = MMFF(mol, charges=init == "minima")
        except ForceFieldError:
            self._field = None

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """See `Starts`."""
        x = self._starts.positions(slots, attempt)
        return x if self._field is None else self._field.moved(x, self._num_steps)
