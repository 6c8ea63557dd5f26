"""Survey of geometries: which ranges the internal coordinates of each class have (see `perception.ranges`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.molecules.perception.contacts import Contacts, contact_names
from molediff.molecules.perception.internal_coordinates import SORTS, Bend, terms_of
from molediff.molecules.perception.kinds import Kinds
from molediff.molecules.perception.ranges import LEAST_SEEN, MARGINS, Range, Ranges

# What is counted lies on a grid: finer than any margin, coarse enough to keep a count for each class small.
_STEPS = {
    "bond_length": 0.002,
    "angle": 0.25,
    "planarity": 0.01,
    "enclosure": 0.01,
    "bend": 0.1,
    "twist": 0.5,
    "torsion": 0.5,
    "cumulene": 0.5,
    "contact": 0.01,
}
# Geometries of large sets are not all sound: of so many one may lie outside, at either end.
_ONE_OF = 300_000
# A finer class is kept if it narrows the bounds of the next coarser one by this share of the margin at one end.
_WORTH_IT = 1.0
# An angle that is usual for a finer class is kept if it differs so much from that for the coarser one, in degrees.
_APART = 1.0
BEND, CONTACT = "bend", "contact"
_ALL = (*SORTS, BEND, CONTACT)
# Contacts beyond are of no interest, in Angstrom: no two atoms but heavy halogens touch there.
_FAR = 3.5


class Survey:
    """Counts of all values of all classes."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, Counter[int]]] = {sort: defaultdict(Counter) for sort in _ALL}
        self._parents: dict[str, dict[str, str]] = {sort: {} for sort in _ALL}
        self._num_contacts: Counter[int] = Counter()
        self._near: dict[int, Counter[int]] = defaultdict(Counter)
        self.num_molecules = self.num_conformers = 0

    def join(self, other: Survey) -> None:
        """Add the counts of another survey."""
        for sort, mine in other._counts.items():
            for name, counter in mine.items():
                self._counts[sort][name].update(counter)
            self._parents[sort].update(other._parents[sort])
        self._num_contacts.update(other._num_contacts)
        for key, counter in other._near.items():
            self._near[key].update(counter)
        self.num_molecules += other.num_molecules
        self.num_conformers += other.num_conformers

    def add(self, mol: Chem.Mol, times: int = 1, counted: Callable[[str], bool] | None = None) -> None:
        """Count all conformers of a molecule (sanitized, explicit hydrogens), each so many times.

        Args:
            mol: the molecule.
            times: how often each counts.
            counted: of a name whether it counts; contacts do not then. None: all do.
        """
        x = np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])
        self.num_molecules += 1
        self.num_conformers += len(x)
        kinds = Kinds(mol)
        for sort, value_of in SORTS.items():
            terms = terms_of(kinds, sort)
            if len(terms.names):
                self._count(sort, value_of(x, terms.atoms), terms.names, times, counted)
        if counted is None:
            self._count_contacts(Contacts(mol, kinds), x)

    def add_bends(
        self,
        mol: Chem.Mol,
        usual: Callable[[Sequence[tuple[str, ...]]], np.ndarray],
        times: int = 1,
        counted: Callable[[str], bool] | None = None,
    ) -> None:
        """Count how far the angles about atoms are off the usual ones, which `usual_angles` of a first pass knows."""
        x = np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])
        bend = Bend(Kinds(mol), usual)
        values = bend(x)
        known = np.flatnonzero(np.isfinite(values).all(axis=0)).tolist()
        self._count(BEND, values[:, known], [bend.terms.names[k] for k in known], times, counted)

    def usual_angles(self) -> dict[str, float]:
        """Angles in the mean by name, in degrees, without names that say no more than a coarser one."""
        counts, parents = self._counts["angle"], self._parents["angle"]
        kept: dict[str, float] = {}
        num = {name: counter.total() for name, counter in counts.items()}
        for name in sorted(counts, key=lambda name: self._depth("angle", name)):
            parent = parents.get(name)
            while parent is not None and parent not in kept:
                parent = parents.get(parent)
            mean = _STEPS["angle"] * sum(value * count for value, count in counts[name].items()) / num[name]
            if parent is not None and (
                abs(mean - kept[parent]) < _APART or (num[name] < LEAST_SEEN <= num[parent])
            ):
                continue
            kept[name] = round(mean, 1)
        return kept

    def _count_contacts(self, contacts: Contacts, x: np.ndarray) -> None:
        near = contacts.distances(x).ravel()
        keys = np.tile(contacts.keys(), len(x))
        for key, number in zip(
            *(column.tolist() for column in np.unique(keys, return_counts=True)), strict=True
        ):
            self._num_contacts[key] += number
        near, keys = near[near < _FAR], keys[near < _FAR]
        rounded = np.round(near / _STEPS[CONTACT]).astype(int)
        for key, value in zip(keys.tolist(), rounded.tolist(), strict=True):
            self._near[key][value] += 1

    def _count(
        self,
        sort: str,
        values: np.ndarray,
        names: Sequence[tuple[str, ...]],
        times: int,
        counted: Callable[[str], bool] | None,
    ) -> None:
        counts, parents = self._counts[sort], self._parents[sort]
        rounded = np.round(values / _STEPS[sort]).astype(int).T.tolist()
        for levels, mine in zip(names, rounded, strict=True):
            for name in levels if counted is None else filter(counted, levels):
                count = counts[name]
                for value in mine:
                    count[value] += times
            for name, parent in pairwise(levels):
                parents[name] = parent

    def ranges(self, head: Mapping[str, Any]) -> Ranges:
        """The table, without classes that say no more than a coarser one."""
        self._name_contacts()
        return Ranges({sort: self._table(sort) for sort in self._counts}, head, self.usual_angles())

    def _name_contacts(self) -> None:
        """Counts of contacts under their names; what is farther apart than `_FAR` is as if it were there."""
        far = round(_FAR / _STEPS[CONTACT])
        counts, parents = self._counts[CONTACT], self._parents[CONTACT]
        counts.clear()
        for key, number in self._num_contacts.items():
            near = self._near.get(key, Counter())
            names = contact_names(key)
            for name in dict.fromkeys(names):
                counts[name].update(near)
                counts[name][far] += number - near.total()
            for name, parent in pairwise(names):
                parents[name] = parent

    def _table(self, sort: str) -> dict[str, tuple[float, float, int]]:
        found = {name: self._range(sort, counter) for name, counter in self._counts[sort].items()}
        parents, margin = self._parents[sort], MARGINS[sort]
        kept: dict[str, tuple[float, float, int]] = {}

        def above(name: str) -> Range | None:
            parent = parents.get(name)
            while parent is not None and parent not in kept:
                parent = parents.get(parent)
            return None if parent is None else found[parent]

        by_level = sorted(found, key=lambda name: self._depth(sort, name))
        for name in by_level:
            parent, mine = above(name), found[name]
            if parent is not None:
                if mine.num < LEAST_SEEN and parent.num >= LEAST_SEEN:
                    continue
                low, high = mine.widened(sort)
                parent_low, parent_high = parent.widened(sort)
                if max(low - parent_low, parent_high - high) < _WORTH_IT * margin:
                    continue
            kept[name] = (round(mine.low, 3), round(mine.high, 3), mine.num)
        return kept

    def _depth(self, sort: str, name: str) -> int:
        depth, parents = 0, self._parents[sort]
        while name in parents:
            name, depth = parents[name], depth + 1
        return depth

    @staticmethod
    def _range(sort: str, counter: Counter[int]) -> Range:
        num = sum(counter.values())
        may_lie_outside = num // _ONE_OF
        ends = []
        for values in (sorted(counter), sorted(counter, reverse=True)):
            left = may_lie_outside
            for value in values:
                left -= counter[value]
                if left < 0:
                    ends.append(value * _STEPS[sort])
                    break
        return Range(ends[0], ends[1], num)
