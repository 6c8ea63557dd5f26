"""What kind of bond, angle, centre or torsion each one of a molecule is: names of its environment, fine to coarse.

Statistics of geometry are kept by these names: a quantity of a molecule is looked up under the finest of its names
that is known. All of it is a function of the graph alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np
from rdkit import Chem

_ORDERS = {
    Chem.BondType.SINGLE: "1",
    Chem.BondType.DOUBLE: "2",
    Chem.BondType.TRIPLE: "3",
    Chem.BondType.AROMATIC: "a",
}
_OTHER_ORDER = "o"

# Rings beyond are as floppy as chains, but a double bond in a ring of eight may be trans and strained.
_LARGEST_RING = 9
_MOST_RINGS = 3

# How an atom is bonded: a triple bond or two double ones in a line, aromatic, a double bond, a lone pair or an empty
# orbital next to one of these, or none of them.
LINEAR, AROMATIC, DOUBLE, CONJUGATED, SATURATED = "t", "a", "d", "c", "s"
_PLANAR = (AROMATIC, DOUBLE, CONJUGATED)
# Single bonds between two of them turn with a preference of their own (peroxides, hydrazines, disulfides).
_WITH_LONE_PAIR = ("N", "O", "S", "Se", "P")
_IN_A_LINE = frozenset(["C", "N", "Si", "P"])


class Terms(NamedTuple):
    """All quantities of one sort in a molecule.

    Attributes:
        atoms: indices, -1 where a place stays empty, int64, shape (number of terms, atoms of a term).
        names: of each term, the finest first.
    """

    atoms: np.ndarray
    names: Sequence[tuple[str, ...]]


class Kinds:
    """The kinds of the atoms of a molecule.

    Args:
        mol: sanitized, explicit hydrogens.
    """

    def __init__(self, mol: Chem.Mol):
        atoms = list(mol.GetAtoms())
        num = len(atoms)
        self.element = [atom.GetSymbol() for atom in atoms]
        self.neighbours: list[list[int]] = [[] for _ in range(num)]
        self.orders: list[dict[int, str]] = [{} for _ in range(num)]
        self.bonds: list[tuple[int, int]] = []
        for bond in mol.GetBonds():
            i, j, order = (
                bond.GetBeginAtomIdx(),
                bond.GetEndAtomIdx(),
                _ORDERS.get(bond.GetBondType(), _OTHER_ORDER),
            )
            self.bonds.append((i, j))
            self.neighbours[i].append(j)
            self.neighbours[j].append(i)
            self.orders[i][j] = self.orders[j][i] = order
        self._find_rings(mol, num)
        charge = [atom.GetFormalCharge() for atom in atoms]
        self.degree = [len(mine) for mine in self.neighbours]
        self._find_unsaturation(charge)
        self.short, self.medium, self.with_hydrogens, self.fine = [], [], [], []
        for i, element in enumerate(self.element):
            short = f"{element}{charge[i]:+d}" if charge[i] else element
            multiple = "".join(
                sorted(self.element[j] for j, order in self.orders[i].items() if order in "23")
            )
            medium = f"{short}{self.degree[i]}{self.unsaturation[i]}{multiple}"
            num_hydrogens = sum(self.element[j] == "H" for j in self.neighbours[i])
            self.short.append(short + self.unsaturation[i])
            self.medium.append(medium)
            self.with_hydrogens.append(f"{medium}h{num_hydrogens}")
            self.fine.append(f"{medium}h{num_hydrogens}r{self.ring[i]}n{self.num_rings[i]}")

    def _find_rings(self, mol: Chem.Mol, num: int) -> None:
        """Sizes of the smallest ring of each atom, bond and angle (0: none), and how many rings an atom is in."""
        self.ring, self.num_rings = [0] * num, [0] * num
        self.bond_ring: dict[tuple[int, int], int] = {}
        self.angle_ring: dict[tuple[int, int, int], int] = {}
        for ring in sorted(map(list, mol.GetRingInfo().AtomRings()), key=len, reverse=True):
            size = min(len(ring), _LARGEST_RING)
            for before, here, after in zip(ring[-1:] + ring[:-1], ring, ring[1:] + ring[:1], strict=True):
                self.ring[here] = size
                self.num_rings[here] = min(self.num_rings[here] + 1, _MOST_RINGS)
                self.bond_ring[here, after] = self.bond_ring[after, here] = size
                self.angle_ring[before, here, after] = self.angle_ring[after, here, before] = size

    def _find_unsaturation(self, charge: list[int]) -> None:
        found = []
        for i, mine in enumerate(self.orders):
            orders = list(mine.values())
            if "3" in orders or self._is_inner(i):
                found.append(LINEAR)
            elif "a" in orders:
                found.append(AROMATIC)
            else:
                found.append(DOUBLE if "2" in orders else SATURATED)
        multiple = [state != SATURATED for state in found]
        for i, state in enumerate(found):
            can = self.element[i] not in ("H", "C", "Si") or self.degree[i] == 3 or charge[i]
            if state == SATURATED and can and any(multiple[j] for j in self.neighbours[i]):
                found[i] = CONJUGATED
        self.unsaturation = found

    def lengths(self) -> Terms:
        """Bonded pairs."""
        names = []
        for i, j in self.bonds:
            order, ring = self.orders[i][j], self.bond_ring.get((i, j), 0)
            names.append(
                (
                    f"{order}{ring}|{_pair(self.fine, i, j)}",
                    f"{order}{ring}|{_pair(self.medium, i, j)}",
                    f"{order}|{_pair(self.short, i, j)}",
                    f"{order}|{_pair(self.element, i, j)}",
                )
            )
        return _terms(self.bonds, names, 2)

    def angles(self) -> Terms:
        """Atoms i, j, k with bonds i-j and j-k."""
        return self._angles

    @cached_property
    def _angles(self) -> Terms:
        places, names = [], []
        for j, mine in enumerate(self.neighbours):
            if len(mine) < 2:
                continue
            orders, fine, ring = self.orders[j], self.fine[j], self.ring[j]
            medium = f"{self.medium[j]}r{ring}n{self.num_rings[j]}"
            coarse = f"{self.element[j]}{self.degree[j]}{self.unsaturation[j]}r{ring}"
            with_shape = {i: f"{orders[i]}{self.short[i]}{self.degree[i]}{self._beyond(i, j)}" for i in mine}
            for i, k in combinations(mine, 2):
                within = self.angle_ring.get((i, j, k), 0)
                first, last = sorted((orders[i] + self.element[i], orders[k] + self.element[k]))
                ends = sorted((with_shape[i], with_shape[k]))
                hydrogens = (self.element[i] == "H") + (self.element[k] == "H")
                places.append((i, j, k))
                names.append(
                    (
                        f"{fine}|{within}|{ends[0]}|{ends[1]}",
                        f"{medium}|{within}|{first}|{last}",
                        f"{coarse}|{within}|{hydrogens}",
                        f"{self.degree[j]}{self.unsaturation[j]}{min(ring, 5)}|{within}",
                    )
                )
        return _terms(places, names, 3)

    def centres(self, degree: int) -> Terms:
        """Atoms with so many neighbours, and these."""
        places, names = [], []
        for i, mine in enumerate(self.neighbours):
            if len(mine) == degree:
                around = "|".join(sorted(self.orders[i][j] + self.short[j] for j in mine))
                places.append((i, *mine))
                names.append(
                    (
                        f"{self.fine[i]}|{around}",
                        self.fine[i],
                        f"{self.medium[i]}r{self.ring[i]}n{self.num_rings[i]}",
                        f"{self.element[i]}{self.unsaturation[i]}r{self.ring[i]}",
                    )
                )
        return _terms(places, names, degree + 1)

    def bends(self) -> Terms:
        """Atoms with three and four neighbours, and these (-1 for a fourth that is not there), by their indices."""
        places, names = [], []
        for degree in (3, 4):
            centres = self.centres(degree)
            places += [(*map(int, atoms), *[-1] * (4 - degree)) for atoms in centres.atoms]
            names += [(*levels[:-1], f"{degree}{levels[-1]}") for levels in centres.names]
        order = sorted(range(len(places)), key=lambda place: places[place][0])
        return _terms([places[k] for k in order], [names[k] for k in order], 5)

    def twists(self) -> Terms:
        """Bonds whose two ends have a plane, or a lone pair each: two neighbours of i, i, j, two neighbours of j."""
        return self._twists

    @cached_property
    def _twists(self) -> Terms:
        places, names = [], []
        for i, j in self.bonds:
            order = self.orders[i][j]
            if not (self.has_plane(i) and self.has_plane(j)) or not (order == "2" or self._prefers(i, j)):
                continue
            ring = self.bond_ring.get((i, j), 0)
            first, last = sorted((self._end(i, j), self._end(j, i)))
            places.append((*self._others(i, j), i, j, *self._others(j, i)))
            names.append(
                (
                    f"{order}{ring}|{first}|{last}",
                    f"{order}{ring}|{_pair(self.fine, i, j)}",
                    f"{order}{ring}|{_pair(self.with_hydrogens, i, j)}",
                    f"{order}{ring}|{_pair(self.medium, i, j)}",
                    f"{order}{ring}|{_pair(self.short, i, j)}",
                )
            )
        return _terms(places, names, 6)

    def cumulenes(self) -> Terms:
        """Ends of chains of two double bonds and more, as `twists`."""
        places, names = [], []
        for start in range(len(self.element)):
            for following in self.neighbours[start]:
                if self._is_inner(start) or not self._is_inner(following):
                    continue
                before, here, length = start, following, 1
                while self._is_inner(here) and length < len(self.element):
                    before, here = here, next(k for k in self.neighbours[here] if k != before)
                    length += 1
                if start < here and self.has_plane(start) and self.has_plane(here):
                    places.append((*self._others(start, following), start, here, *self._others(here, before)))
                    names.append(
                        (
                            f"{length}|{_pair(self.fine, start, here)}",
                            f"{length}|{_pair(self.medium, start, here)}",
                            f"{length}|{_pair(self.element, start, here)}",
                            str(length),
                        )
                    )
        return _terms(places, names, 6)

    def _beyond(self, i: int, j: int) -> str:
        """What a linear neighbour i of atom j leads to: N=C=O is bent at N otherwise than N=C=S."""
        if self.unsaturation[i] != LINEAR:
            return ""
        return "".join(sorted(self.element[k] for k in self.neighbours[i] if k != j))

    def _end(self, i: int, j: int) -> str:
        """The kind of atom i with those of its neighbours but j."""
        arms = sorted(self.orders[i][k] + self.short[k] for k in self.neighbours[i] if k != j)
        return f"{self.medium[i]}({','.join(arms)})"

    def _is_inner(self, i: int) -> bool:
        """Whether two double bonds of atom i lie in a line; those of sulfur are at an angle."""
        return self.element[i] in _IN_A_LINE and list(self.orders[i].values()) == ["2", "2"]

    def has_plane(self, i: int) -> bool:
        """Whether a direction across the bonds of an atom says how it is turned."""
        return self.degree[i] in (2, 3) and self.unsaturation[i] != LINEAR

    def _prefers(self, i: int, j: int) -> bool:
        planar = self.unsaturation[i] in _PLANAR and self.unsaturation[j] in _PLANAR
        return planar or (self.element[i] in _WITH_LONE_PAIR and self.element[j] in _WITH_LONE_PAIR)

    def _others(self, i: int, j: int) -> tuple[int, int]:
        """The neighbours of i but j; -1 for a second one that is not there."""
        others = [k for k in self.neighbours[i] if k != j]
        return (others[0], others[1] if len(others) > 1 else -1)


def _pair(kinds: list[str], i: int, j: int) -> str:
    first, second = kinds[i], kinds[j]
    return f"{first}|{second}" if first <= second else f"{second}|{first}"


def _terms(places: Sequence[tuple[int, ...]], names: Sequence[tuple[str, ...]], width: int) -> Terms:
    return Terms(np.array(places, dtype=np.int64).reshape(-1, width), names)
