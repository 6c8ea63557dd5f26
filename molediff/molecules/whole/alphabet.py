"""What nodes and edges of a generated graph stand for: heavy atoms with their charge, and bonds of whole order.

Hydrogens are not told: an atom has as many as its valence leaves room for. A label that repeated their number could
only contradict the bonds, and so a graph is valid exactly if no atom has more bonds than its valence and all atoms hang
together. Bonds are those of a Kekule structure, so that the sum of an atom's bonds is a whole number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rdkit import Chem


@dataclass(frozen=True)
class AtomKind:
    """A heavy atom of a generated graph.

    Attributes:
        element: atomic number.
        charge: formal charge.
        valence: bonds that it has, those to hydrogens included.
    """

    element: int
    charge: int
    valence: int

    @property
    def symbol(self) -> str:
        """As "C" or "N+"."""
        sign = "" if not self.charge else "+" if self.charge > 0 else "-"
        return Chem.GetPeriodicTable().GetElementSymbol(self.element) + sign


@dataclass(frozen=True)
class Alphabet:
    """The kinds of atoms that a model knows; label k of a node is `kinds[k]`. Edges are 0 (no bond) to 3 (triple)."""

    kinds: tuple[AtomKind, ...]

    def __len__(self) -> int:
        return len(self.kinds)

    @cached_property
    def label_of(self) -> dict[tuple[int, int, int], int]:
        """Label of an atomic number, a charge and a valence."""
        return {(kind.element, kind.charge, kind.valence): label for label, kind in enumerate(self.kinds)}

    def knows(self, element: int, charge: int) -> bool:
        """Whether there is a kind of this element and charge, of whatever valence."""
        return any((kind.element, kind.charge) == (element, charge) for kind in self.kinds)

    def described(self) -> list[list[int]]:
        """Element, charge and valence of each kind, which `of` reads: what weights keep of it."""
        return [[kind.element, kind.charge, kind.valence] for kind in self.kinds]

    @classmethod
    def of(cls, described: Sequence[Sequence[int]]) -> Alphabet:
        """Read what `described` wrote."""
        return cls(tuple(AtomKind(*kind) for kind in described))


NUM_EDGES = 4
BONDS = (Chem.BondType.ZERO, Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE)

QM9 = Alphabet(
    (
        AtomKind(6, 0, 4),
        AtomKind(7, 0, 3),
        AtomKind(8, 0, 2),
        AtomKind(9, 0, 1),
        AtomKind(7, 1, 4),
        AtomKind(8, -1, 1),
        AtomKind(6, -1, 3),
        AtomKind(7, -1, 2),
        AtomKind(8, 1, 3),
    )
)
"""All atoms of QM9 but hydrogen."""

MOSES = Alphabet(
    (
        AtomKind(6, 0, 4),
        AtomKind(7, 0, 3),
        AtomKind(8, 0, 2),
        AtomKind(16, 0, 2),
        AtomKind(16, 0, 4),
        AtomKind(16, 0, 6),
        AtomKind(9, 0, 1),
        AtomKind(17, 0, 1),
        AtomKind(35, 0, 1),
    )
)
"""Atoms of drug-like molecules without charges, as in MOSES; sulfur as in sulfides, sulfoxides and sulfones."""
