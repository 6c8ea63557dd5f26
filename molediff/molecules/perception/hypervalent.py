"""Atoms with five and six pairs of electrons, and which of their neighbours lie opposite each other.

Pairs of electrons, bonding ones and lone ones, keep as far apart as they can (VSEPR; Gillespie and Nyholm 1957): five
at the corners of a trigonal bipyramid, lone ones about its waist, six at those of an octahedron, lone ones opposite
each other. So neighbours in a line tell such a shape from a tetrahedron: the ends of triiodide, both chlorines of an
aryliodine dichloride, two of the fluorines of SF4.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from rdkit import Chem

# Electrons in the outer shell, of the elements that can have more than four pairs.
_OUTER = {"Si": 4, "P": 5, "As": 5, "S": 6, "Se": 6, "Te": 6, "Cl": 7, "Br": 7, "I": 7}
# Pauling 1960: who is more electronegative lies at the apex.
_ELECTRONEGATIVITY = {
    "F": 3.98,
    "O": 3.44,
    "Cl": 3.16,
    "N": 3.04,
    "Br": 2.96,
    "I": 2.66,
    "S": 2.58,
    "C": 2.55,
}
_HALOGENS = ("Cl", "Br", "I")
_OPPOSITE = {(5, 5): 1, (5, 4): 1, (5, 3): 1, (5, 2): 1, (6, 6): 3, (6, 5): 2, (6, 4): 2}
"""By the pairs of electrons and the neighbours: pairs of these in a line."""


class Hypervalent(NamedTuple):
    """An atom with more than four pairs of electrons.

    Attributes:
        atom: its index.
        neighbours: those of its neighbours, the most electronegative ones first.
        num_opposite: pairs of them in a line.
        in_ring: whether it is in a ring, which may bend the shape.
        across: the one carbon on a halogen, which lies opposite no neighbour: at a right angle to them.
    """

    atom: int
    neighbours: tuple[int, ...]
    num_opposite: int
    in_ring: bool
    across: int | None = None

    def opposite(self) -> tuple[tuple[int, int], ...]:
        """Neighbours that lie opposite each other if nothing holds them elsewhere."""
        first = self.neighbours[: 2 * self.num_opposite]
        return tuple(zip(first[::2], first[1::2], strict=True))


def hypervalent(mol: Chem.Mol) -> list[Hypervalent]:
    """All atoms of a molecule (explicit hydrogens) with five and six pairs of electrons."""
    found = []
    for atom in mol.GetAtoms():
        symbol, degree = atom.GetSymbol(), atom.GetDegree()
        if symbol not in _OUTER or atom.GetIsAromatic():
            continue
        lone = max(0, _OUTER[symbol] - atom.GetFormalCharge() - atom.GetTotalValence()) // 2
        num_opposite = _OPPOSITE.get((degree + lone, degree))
        if num_opposite:
            around = _by_electronegativity(mol, atom)
            across = _across(mol, around) if symbol in _HALOGENS and degree % 2 else None
            found.append(Hypervalent(atom.GetIdx(), around, num_opposite, atom.IsInRing(), across))
    return found


def _across(mol: Chem.Mol, around: Sequence[int]) -> int | None:
    carbons = [i for i in around if mol.GetAtomWithIdx(i).GetSymbol() == "C"]
    return carbons[0] if len(carbons) == 1 else None


def _by_electronegativity(mol: Chem.Mol, atom: Chem.Atom) -> tuple[int, ...]:
    """Neighbours with the most electronegative first; two in a small ring with the atom do not begin the list."""
    around = sorted(
        (neighbour.GetIdx() for neighbour in atom.GetNeighbors()),
        key=lambda i: (-_ELECTRONEGATIVITY.get(mol.GetAtomWithIdx(i).GetSymbol(), 2.2), i),
    )
    rings = [set(ring) for ring in mol.GetRingInfo().AtomRings() if atom.GetIdx() in ring]
    for i, j in combinations(around, 2):
        if not any({i, j} <= ring for ring in rings):
            return (i, j, *(k for k in around if k not in (i, j)))
    return tuple(around)
