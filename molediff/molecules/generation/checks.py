"""Is a set of coordinates the molecule it claims to be? Fast rules, all conformers at once.

Each rule takes one sort of internal coordinate and asks whether all of a molecule's lie in the ranges that minima of
quantum chemistry have (`perception.ranges`), class by class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from molediff.molecules.generation.check import Check
from molediff.molecules.generation.strain import QuickStrain
from molediff.molecules.perception import internal_coordinates
from molediff.molecules.perception.contacts import Contacts, closest_table
from molediff.molecules.perception.kinds import Kinds, Terms
from molediff.molecules.perception.ranges import Ranges, shipped_ranges

# Where no bond of these elements was seen: in units of UFF's rest length, the extremes of 158,198 bonds of QM9.
SHORTEST_BOND = 0.865
LONGEST_BOND = 1.24

_TABLE = Chem.GetPeriodicTable()
_closest_table = cache(lambda: closest_table(shipped_ranges()))


class InRange:
    """All values of one sort lie in their ranges.

    An atom with a coordinate of NaN is left out: what is not known is not wrong.

    Args:
        mol: sanitized, explicit hydrogens.
        kinds: of its atoms, if they are known already.
        ranges: the table; that of the package by default.
    """

    name: str
    remedy = ""
    _values: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def __init__(self, mol: Chem.Mol, kinds: Kinds | None = None, ranges: Ranges | None = None):
        terms = self._terms(kinds or Kinds(mol))
        low, high = self._bounds(mol, terms, ranges or shipped_ranges())
        binding = (low > -np.inf) | (high < np.inf)
        self._atoms, self._low, self._high = terms.atoms[binding], low[binding], high[binding]

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Which conformers have all values in their ranges, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        if len(self._atoms) == 0:
            return np.ones(len(x), dtype=bool)
        values = type(self)._values(x, self._atoms)
        return np.asarray(~((values < self._low) | (values > self._high)).any(axis=1))

    def _terms(self, kinds: Kinds) -> Terms:
        raise NotImplementedError

    def _bounds(self, mol: Chem.Mol, terms: Terms, ranges: Ranges) -> tuple[np.ndarray, np.ndarray]:
        return ranges.bounds(self.name, terms.names)


class BondLengths(InRange):
    """Every bond has a length that its two atoms, their surroundings and its order allow."""

    name = "bond_length"
    _values = staticmethod(internal_coordinates.length)

    def ranges(self) -> list[tuple[tuple[int, int], float, float]]:
        """Both atoms of each bond, its least and its greatest length in Angstrom."""
        return [
            ((int(i), int(j)), float(low), float(high))
            for (i, j), low, high in zip(self._atoms, self._low, self._high, strict=True)
        ]

    def _terms(self, kinds: Kinds) -> Terms:
        return kinds.lengths()

    def _bounds(self, mol: Chem.Mol, terms: Terms, ranges: Ranges) -> tuple[np.ndarray, np.ndarray]:
        low, high = super()._bounds(mol, terms, ranges)
        for place in np.flatnonzero(np.isinf(low)):
            usual = bond_length(mol, *map(int, terms.atoms[place]))
            low[place], high[place] = SHORTEST_BOND * usual, LONGEST_BOND * usual
        return low, high


class Angles(InRange):
    """Every angle between two bonds is possible."""

    name = "angle"
    _values = staticmethod(internal_coordinates.angle)

    def _terms(self, kinds: Kinds) -> Terms:
        return kinds.angles()


class Planarity(InRange):
    """Atoms with three neighbours lie in their plane or above it as their like do."""

    name = "planarity"
    _values = staticmethod(internal_coordinates.height)

    def _terms(self, kinds: Kinds) -> Terms:
        return kinds.centres(3)


class Enclosure(InRange):
    """Atoms with four neighbours lie between them, or as far outside as their like do in cages."""

    name = "enclosure"
    _values = staticmethod(internal_coordinates.enclosure)

    def _terms(self, kinds: Kinds) -> Terms:
        return kinds.centres(4)


class Twists(InRange):
    """Double bonds, amides and other planes bonded to each other are turned as their like are."""

    name = "twist"
    _values = staticmethod(internal_coordinates.twist)

    def _terms(self, kinds: Kinds) -> Terms:
        return kinds.twists()


class Cumulenes(InRange):
    """The ends of allenes are perpendicular, those of butatrienes in one plane."""

    name = "cumulene"
    _values = staticmethod(internal_coordinates.twist)

    def _terms(self, kinds: Kinds) -> Terms:
        return kinds.cumulenes()


class Clashes:
    """No two atoms that are not bonded touch.

    An atom with a coordinate of NaN is left out: what is not known is not wrong.

    Args:
        mol: sanitized, explicit hydrogens.
        kinds: of its atoms, if they are known already.
        ranges: the table; that of the package by default.
    """

    name = "clash"
    remedy = ""

    def __init__(self, mol: Chem.Mol, kinds: Kinds | None = None, ranges: Ranges | None = None):
        contacts = Contacts(mol, kinds or Kinds(mol))
        table = _closest_table() if ranges is None else closest_table(ranges)
        self._pairs, self._closest_squared = contacts.pairs, contacts.closest(table) ** 2

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether all contacts are possible, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        difference = x[:, self._pairs[:, 0]] - x[:, self._pairs[:, 1]]
        return ~(np.einsum("npk,npk->np", difference, difference) < self._closest_squared).any(axis=1)


class RingFusion:
    """Rings of three that share a bond with one of up to five, and rings of four with one of four, do so *cis*.

    What hangs on the two atoms that they share lies on one side, if these are in no third ring. The trans isomers of
    bicyclo[3.1.0]hexane and its like lie some 70 kcal/mol higher, with bonds and angles that each by themselves could
    be. Where stereo is open, distance geometry makes them.

    Args:
        mol: sanitized, explicit hydrogens.
        kinds, ranges: not needed.

    Attributes:
        atoms: of each such bond a neighbour outside of the rings, both ends, and the other neighbour, (fusions, 4).
    """

    name = "ring_fusion"
    remedy = ""

    def __init__(self, mol: Chem.Mol, kinds: Kinds | None = None, ranges: Ranges | None = None):
        rings = [set(ring) for ring in mol.GetRingInfo().AtomRings() if len(ring) <= _LARGEST_CIS]
        found = []
        for one, other in combinations(sorted(rings, key=len), 2):
            shared = one & other
            if len(shared) != 2 or (len(one), len(other)) not in _CIS:
                continue
            i, j = sorted(shared)
            if any(mol.GetRingInfo().NumAtomRings(atom) > 2 for atom in (i, j)):
                continue  # a cage may force it
            ends = [
                [n.GetIdx() for n in mol.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() not in one | other]
                for atom in (i, j)
            ]
            if [len(mine) for mine in ends] == [1, 1] and mol.GetBondBetweenAtoms(i, j) is not None:
                found.append((ends[0][0], i, j, ends[1][0]))
        self.atoms = np.array(found, dtype=np.int64).reshape(-1, 4)

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether all are cis, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        is_trans = internal_coordinates.dihedral(x, self.atoms) > MOST_CIS
        return np.asarray(~is_trans.any(axis=1))


MOST_CIS = 90.0
"""Between what hangs on the two atoms, in degrees."""
_CIS = ((3, 3), (3, 4), (3, 5), (4, 4))
_LARGEST_CIS = 5


CHECKS = (BondLengths, Angles, Planarity, Enclosure, Twists, Cumulenes, RingFusion, Clashes)
"""What every conformer is put to, in this order, before it is handed out and again after it was relaxed. That its
coordinates are finite, its stereo right and fixed atoms in their places is seen to before, its strain after."""


def standard_checks(mol: Chem.Mol) -> list[Check]:
    """`CHECKS` for one molecule (sanitized, explicit hydrogens), and `QuickStrain` as the last."""
    kinds = Kinds(mol)
    return [*(make(mol, kinds) for make in CHECKS), QuickStrain(mol)]


# Equilibrium distances of diatomic molecules in Angstrom, Huber and Herzberg 1979 (Constants of Diatomic Molecules).
_DIATOMIC = {
    "[H][H]": 0.741,
    "[H]F": 0.917,
    "[H]Cl": 1.275,
    "[H]Br": 1.414,
    "[H]I": 1.609,
    "[H][O-]": 0.970,
    "FF": 1.412,
    "ClCl": 1.988,
    "BrBr": 2.281,
    "II": 2.666,
    "FCl": 1.628,
    "ClBr": 2.136,
    "ClI": 2.321,
    "N#N": 1.098,
    "[C-]#[O+]": 1.128,
    "[C-]#N": 1.177,
    "N#[O+]": 1.063,
    "O=O": 1.208,
}


def bond_length(mol: Chem.Mol, i: int, j: int) -> float:
    """Usual length of the bond between atoms i and j in Angstrom: of a diatomic molecule the measured one, else UFF's
    rest length, else the sum of the covalent radii.
    """
    if mol.GetNumAtoms() == 2 and (measured := _DIATOMIC.get(Chem.MolToSmiles(mol))):
        return measured
    parameters = rdForceFieldHelpers.GetUFFBondStretchParams(mol, i, j)
    if parameters is not None:
        return float(parameters[1])
    return sum(_TABLE.GetRcovalent(mol.GetAtomWithIdx(k).GetAtomicNum()) for k in (i, j))
