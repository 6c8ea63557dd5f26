"""Rigid pieces of a molecule, between its rotatable bonds, taken from different conformers."""

from __future__ import annotations

import numpy as np

from molediff.molecules.rotors import Rotors


class Pieces:
    """Pieces that only turns about rotors join: each may come from another conformer than its neighbours.

    K conformers of a molecule with P pieces give K^P, as many as its rings have conformations together, and an
    embedding costs as much as some thousand of them.

    Args:
        rotors: the bonds between them.

    Attributes:
        of_atom: the piece that each atom belongs to, int64, shape (N,): 0 for what no rotor turns, 1 + the number of
            the rotor whose second end it holds for the others.
    """

    def __init__(self, rotors: Rotors):
        # The larger sides first: the smaller ones lie within them, or apart.
        self._order = np.argsort(-rotors.turned.sum(axis=1), kind="stable")
        self._rotors = rotors
        self.of_atom = np.zeros(rotors.turned.shape[1], dtype=np.int64)
        for rotor in self._order:
            self.of_atom[rotors.turned[rotor]] = 1 + rotor

    def __len__(self) -> int:
        return len(self._order) + 1

    def combined(self, x: np.ndarray, choice: np.ndarray) -> np.ndarray:
        """Structures, shape (n, N, 3), in Angstrom. Lengths and angles of the bonds between pieces are those of both.

        Args:
            x: conformers to take the pieces from, shape (K, N, 3).
            choice: whose piece is taken, first of what no rotor turns, then of the second end of each rotor, int64,
                shape (n, P).
        """
        made = x[choice[:, 0]]
        for rotor in self._order:
            (j, k), side = self._rotors.bonds[rotor], self._rotors.turned[rotor]
            own = x[choice[:, 1 + rotor]]
            origin = own[:, k, None]
            axis, wanted = origin - own[:, j, None], (made[:, k] - made[:, j])[:, None]
            # Half a turn about the line between two axes lays one on the other.
            middle = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
            middle = middle + wanted / np.linalg.norm(wanted, axis=-1, keepdims=True)
            middle /= np.linalg.norm(middle, axis=-1, keepdims=True).clip(min=1e-9)
            legs = own[:, side] - origin
            made[:, side] = made[:, k, None] + 2 * (legs * middle).sum(-1, keepdims=True) * middle - legs
        return made
