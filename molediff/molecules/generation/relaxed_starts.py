"""Starts that took a few steps of a force field: rings, angles and contacts are nearly right then, and cheaply so."""

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

NUM_STEPS = {"crystal": 20, "minima": 60}
"""Steps of MMFF94s by what the torsions are drawn from. Of eleven held-out molecules 30 in place of 60 left
minima a sixth more strain; more than 20 were not tried for crystals."""


class RelaxedStarts:
    """Other starts after `NUM_STEPS` of MMFF94s, without charges for crystals.

    Where it does not describe the molecule they are the others as they are.

    Args:
        starts: where the steps begin.
        mol: explicit hydrogens.
        init: "crystal" or "minima".
        clock: of the molecule: when its time is up, what has taken no step takes none.
    """

    def __init__(self, starts: Starts, mol: Chem.Mol, init: str, clock: Clock | None = None):
        self._clock = clock or Clock()
        self._starts, self._num_steps = starts, NUM_STEPS[init]
        try:
            with rdBase.BlockLogs():
                self._field: MMFF | None = MMFF(mol, charges=init == "minima")
        except ForceFieldError:
            self._field = None

    def positions(self, slots: Sequence[int], attempt: int) -> np.ndarray:
        """See `Starts`."""
        x = self._starts.positions(slots, attempt)
        if self._field is None:
            return x
        return self._field.moved(x, self._num_steps, lambda: self._clock.is_up)
