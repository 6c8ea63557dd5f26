"""Pairs of atoms that are not bonded to each other, and the kinds of these pairs."""

from __future__ import annotations

from itertools import product

import numpy as np
from rdkit import Chem

from molediff.molecules.perception.kinds import Kinds
from molediff.molecules.perception.ranges import Ranges

# Hydrogens on carbon and on anything else, which bind to lone pairs, are two labels.
_LABELS = ("H", "H~", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I", "?")
_NUMBER = {label: number for number, label in enumerate(_LABELS)}
_FARTHEST = 4  # bonds between two atoms, from which on the graph says nothing of their distance
_SMALL_RING = 4
_SHAPE = (len(_LABELS), len(_LABELS), _FARTHEST + 1, 2)


class Contacts:
    """Pairs of a molecule that are not bonded.

    Args:
        mol: sanitized, explicit hydrogens.
        kinds: of its atoms.

    Attributes:
        pairs: indices, int64, shape (number of pairs, 2).
    """

    def __init__(self, mol: Chem.Mol, kinds: Kinds):
        apart = np.minimum(Chem.GetDistanceMatrix(mol).astype(np.int64), _FARTHEST)
        self.pairs = np.argwhere(np.triu(apart > 1, k=1))
        # In cages atoms lie where they would not go of themselves.
        heavy = [
            mine[0] if kinds.element[i] == "H" and mine else i for i, mine in enumerate(kinds.neighbours)
        ]
        caged = np.array([kinds.num_rings[i] > 1 or 0 < kinds.ring[i] <= _SMALL_RING for i in heavy])
        labels = np.array(
            [
                _NUMBER["H~"]
                if element == "H" and kinds.element[bearer] != "C"
                else _NUMBER.get(element, _NUMBER["?"])
                for element, bearer in zip(kinds.element, heavy, strict=True)
            ]
        )
        i, j = self.pairs.T
        self._key = (labels[i], labels[j], apart[i, j], (caged[i] & caged[j]).astype(np.int64))

    def distances(self, x: np.ndarray) -> np.ndarray:
        """Distances in Angstrom, (n, number of pairs)."""
        difference = x[:, self.pairs[:, 0]] - x[:, self.pairs[:, 1]]
        return np.asarray(np.sqrt(np.einsum("npk,npk->np", difference, difference)))

    def closest(self, table: np.ndarray) -> np.ndarray:
        """Least distance of each pair in Angstrom, by a table of `closest_table`; shape (number of pairs,)."""
        return np.asarray(table[self._key])

    def keys(self) -> np.ndarray:
        """Kind of each pair as a number, which `contact_names` names; int64, shape (number of pairs,)."""
        first, second, *rest = self._key
        ordered = (np.minimum(first, second), np.maximum(first, second), *rest)
        return np.ravel_multi_index(ordered, _SHAPE).astype(np.int64)


def contact_names(key: int) -> tuple[str, ...]:
    """Names of a kind of pair, the finest first."""
    return _names(*map(int, np.unravel_index(key, _SHAPE)))


def closest_table(ranges: Ranges) -> np.ndarray:
    """Least distance that passes, by the labels of two atoms, the bonds between them and whether both are in cages."""
    table = np.zeros(_SHAPE)
    for key in product(range(_SHAPE[0]), range(_SHAPE[1]), range(2, _SHAPE[2]), range(2)):
        table[key] = max(ranges.bounds("contact", [_names(*key)])[0][0], 0.0)
    return table


def _names(i: int, j: int, apart: int, caged: int) -> tuple[str, ...]:
    pair = "|".join(sorted((_LABELS[i], _LABELS[j])))
    plain = "|".join(
        sorted((_LABELS[i][:1] if i < 2 else _LABELS[i], _LABELS[j][:1] if j < 2 else _LABELS[j]))
    )
    return (f"{apart}{'c' if caged else ''}|{pair}", f"{apart}|{pair}", f"{apart}|{plain}.", f"|{plain}")
