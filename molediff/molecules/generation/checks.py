"""Is a set of coordinates the molecule it claims to be? Fast rules, all conformers at once.

Each rule takes one sort of internal coordinate and asks whether all of a molecule's lie in the ranges that minima of
quantum chemistry have (`perception.ranges`), class by class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from molediff.molecules.generation.check import Check
from molediff.molecules.generation.shape_checks import Coordination, RingFusion
from molediff.molecules.generation.strain import QuickStrain
from molediff.molecules.perception import internal_coordinates
from molediff.molecules.perception.contacts import Contacts, closest_table
from molediff.molecules.perception.hypervalent import hypervalent
from molediff.molecules.perception.kinds import Kinds, Terms
from molediff.molecules.perception.ranges import Ranges, shipped_ranges

# Where no bond of these elements was seen: in units of UFF's rest length, the extremes of 158,198 bonds of QM9.
SHORTEST_BOND = 0.865
LONGEST_BOND = 1.24
LEAST_ANGLE = 70.0
"""Between neighbours of atoms with five pairs of electrons and more, in degrees."""

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
    """Every angle between two bonds is possible; at atoms with many pairs of electrons `Coordination` says so."""

    name = "angle"
    _values = staticmethod(internal_coordinates.angle)

    def _terms(self, kinds: Kinds) -> Terms:
        return kinds.angles()

    def _bounds(self, mol: Chem.Mol, terms: Terms, ranges: Ranges) -> tuple[np.ndarray, np.ndarray]:
        low, high = super()._bounds(mol, terms, ranges)
        has_many = np.isin(terms.atoms[:, 1], [found.atom for found in hypervalent(mol)])
        return np.where(has_many, np.minimum(low, LEAST_ANGLE), low), np.where(has_many, np.inf, high)


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


class Torsions(InRange):
    """Of double bonds, amides and other planes no neighbour stands out of the plane farther than that of their like."""

    name = "torsion"
    _values = staticmethod(internal_coordinates.torsion)

    def _terms(self, kinds: Kinds) -> Terms:
        return kinds.twists()

    def leave_out(self, held: np.ndarray) -> None:
        """Judge no term that has atoms of `held` alone."""
        is_free = ~(np.isin(self._atoms, held) | (self._atoms < 0)).all(axis=1)
        self._atoms, self._low, self._high = self._atoms[is_free], self._low[is_free], self._high[is_free]


class Bends:
    """The angles about an atom, all together, are as near to the usual ones as those of their like.

    An atom with a coordinate of NaN is left out: what is not known is not wrong.

    Args:
        mol: sanitized, explicit hydrogens.
        kinds: of its atoms, if they are known already.
        ranges: the table; that of the package by default.
    """

    name = "bend"
    remedy = ""

    def __init__(self, mol: Chem.Mol, kinds: Kinds | None = None, ranges: Ranges | None = None):
        table = ranges or shipped_ranges()
        self._bend = internal_coordinates.Bend(kinds or Kinds(mol), table.usual_angles)
        _, self._high = table.bounds(self.name, self._bend.terms.names)

    def leave_out(self, held: np.ndarray) -> None:
        """Judge no atom that is in `held` with all its neighbours."""
        atoms = self._bend.terms.atoms
        self._high = np.where((np.isin(atoms, held) | (atoms < 0)).all(axis=1), np.inf, self._high)

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Which conformers have no atom whose angles are too odd, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        return np.asarray(~(self._bend(x) > self._high).any(axis=1))


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


CHECKS = (
    BondLengths,
    Angles,
    Bends,
    Planarity,
    Enclosure,
    Twists,
    Torsions,
    Cumulenes,
    Coordination,
    RingFusion,
    Clashes,
)
"""What every conformer is put to, in this order, before it is handed out and again after it was relaxed. That its
coordinates are finite, its stereo right and fixed atoms in their places is seen to before, its strain after."""


OF_ALL_TOGETHER = (Bends, Torsions)
"""Those of `CHECKS` that are sharper than what crystals have: given coordinates are not put to them."""


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
