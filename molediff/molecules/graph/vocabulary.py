"""Which categories of atoms and pairs a network is told of: one vocabulary for QM9, one for all organic molecules.

Weights know the vocabulary that they were trained with by the cardinalities of their network (`vocabulary_of`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.networks.graph import MAX_DISTANCE, NODE_CARDINALITIES, PAIR_CARDINALITIES

MAX_CHARGE = 2


@dataclass(frozen=True)
class Vocabulary:
    """Codes of what is told of atoms and of pairs of atoms; 0 is padding or "none".

    In every vocabulary the first code of an element is hydrogen's, and distances up to `MAX_DISTANCE` bonds have codes
    of their own (`GraphBatch.alike` counts on both).

    Attributes:
        elements: atomic numbers, codes from 1.
        node_cardinalities: see `NODE_CARDINALITIES`; a further column counts the atom's bonds in rings (none, 2, 3, 4
            and more -> 1..4).
        pair_cardinalities: see `PAIR_CARDINALITIES`.
        distance_steps: least number of bonds between two atoms of each code, codes from 1; None is the last code's, of
            atoms that no path joins, and stands for the code before where it is missing.
        ring_steps: least size of a ring of each code, codes from 1.
    """

    elements: tuple[int, ...]
    node_cardinalities: tuple[int, ...]
    pair_cardinalities: tuple[int, ...]
    distance_steps: tuple[int, ...]
    ring_steps: tuple[int, ...]
    tells_apart_disconnected: bool = False
    element_code: dict[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        codes = {number: code for code, number in enumerate(self.elements, start=1)}
        object.__setattr__(self, "element_code", codes)

    @property
    def counts_ring_bonds(self) -> bool:
        """Whether the last column of the atoms counts their bonds in rings."""
        return len(self.node_cardinalities) > len(NODE_CARDINALITIES)

    @cached_property
    def radix(self) -> np.ndarray:
        """Place values of the pair categories in one word, int64, shape (len(pair_cardinalities),).

        One 16-bit word a pair keeps a data set small in memory.
        """
        return np.cumprod((1, *self.pair_cardinalities[:-1])).astype(np.int64)

    @cached_property
    def pair_table(self) -> np.ndarray:
        """Categories of each packed word, int64, shape (number of words, len(pair_cardinalities))."""
        words = np.arange(np.prod(self.pair_cardinalities))
        return (words[:, None] // self.radix) % np.array(self.pair_cardinalities)

    def ring_code(self, size: int) -> int:
        """Code of the size of a ring, from 1."""
        return bisect_right(self.ring_steps, size)

    def distance_codes(self, distances: np.ndarray) -> np.ndarray:
        """Codes of RDKit's distance matrix, int64, of its shape; it gives 1e8 for atoms that no path joins."""
        codes = np.searchsorted(self.distance_steps, distances, side="right").astype(np.int64)
        if self.tells_apart_disconnected:
            codes += distances > 1e6
        return codes

    def names(self) -> str:
        """The elements in words."""
        symbols = [Chem.GetPeriodicTable().GetElementSymbol(number) for number in self.elements]
        return f"{', '.join(symbols[:-1])} and {symbols[-1]}"


QM9 = Vocabulary(
    elements=(1, 6, 7, 8, 9),
    node_cardinalities=NODE_CARDINALITIES,
    pair_cardinalities=PAIR_CARDINALITIES,
    distance_steps=tuple(range(MAX_DISTANCE + 1)),
    ring_steps=(3, 4, 5, 6, 7),
)
"""H, C, N, O and F: what the weights trained on QM9 know."""

_DISTANCE_STEPS = (*range(MAX_DISTANCE + 1), 12, 14, 17, 22)
_RING_STEPS = (3, 4, 5, 6, 7, 8, 9, 12)  # of 9 to 11 atoms: medium rings; of 12 and more: macrocycles

ORGANIC = Vocabulary(
    elements=(1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53),
    node_cardinalities=(
        14,  # element
        6,  # formal charge: -2..+2 -> 1..5
        8,  # number of bonded atoms: 0..6 -> 1..7
        6,  # number of bonded hydrogens: 0..4 -> 1..5
        6,  # hybridization
        3,  # aromatic
        2 + len(_RING_STEPS),  # smallest ring through the atom: none -> 1
        5,  # bonds in rings: none, 2, 3, 4 and more -> 1..4: tells fused, spiro and bridgehead atoms
    ),
    pair_cardinalities=(
        5,  # bond
        2 + len(_DISTANCE_STEPS),  # bonds between the atoms; the last code: no path joins them
        1 + len(_RING_STEPS),  # smallest ring that holds both atoms
        3,  # cis, trans
        2,  # conjugated
    ),
    distance_steps=_DISTANCE_STEPS,
    ring_steps=_RING_STEPS,
    tells_apart_disconnected=True,
)
"""H, B, C, N, O, F, Si, P, S, Cl, Se, Br and I: drug-like molecules."""


def vocabulary_of(network: Any) -> Vocabulary:
    """The vocabulary of a network with this attribute `node_cardinalities`; QM9's for one without it.

    Raises:
        ValueError: there is none of these cardinalities.
    """
    sizes: Sequence[int] = getattr(network, "node_cardinalities", None) or NODE_CARDINALITIES
    for vocabulary in (QM9, ORGANIC):
        if tuple(sizes) == vocabulary.node_cardinalities:
            return vocabulary
    raise ValueError(
        f"No vocabulary has the node cardinalities {tuple(sizes)}: give weights of this version."
    )
