"""Ranges that internal coordinates have in minima of quantum chemistry, by the names of `perception.kinds`.

The table is a file of the package, made by `scripts/build_ranges.py` from the geometries that its head names. It holds
the extremes that were seen and how often; the margins around them are here, where checks read them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

LEAST_SEEN = 12
"""A name seen less often says little: a coarser one is asked."""

# Samples lie beside minima: bonds of `qm9` by 0.01 Angstrom, of the students by 0.02, torsions by degrees. A class seen
# n times ends somewhat beyond its extremes: the margin times 1 + rare / sqrt(n). Torsions are softest and need most.
_RARE = 6.0
_RARE_TWIST = 12.0
MARGINS = {
    "bond_length": 0.04,  # Angstrom
    "angle": 6.0,  # degrees
    "planarity": 0.08,  # Angstrom
    "enclosure": 0.06,
    "bend": 2.0,  # degrees
    "twist": 9.5,  # degrees
    "torsion": 9.5,  # degrees
    "cumulene": 9.0,  # degrees
    "contact": 0.2,  # Angstrom
}
"""Distance from the extremes at which a check rejects, for a class that was seen often."""


# Elements and order alone say how long some bonds are: C#N, C#C, C=O of ketenes. Where a name seen so often spans so
# little, no finer one, however seldom it was seen, may be wider.
_NARROW = {"bond_length": (100, 0.07, 0.025)}  # times seen, Angstrom from least to greatest, Angstrom beyond
_COARSE = 2  # of the names of a term, the last: elements and order, and whether the atoms are unsaturated


class Range(NamedTuple):
    """Extremes of one class and the number of times that it was seen."""

    low: float
    high: float
    num: int

    def widened(self, sort: str) -> tuple[float, float]:
        """Bounds of what the check of a sort of `MARGINS` lets pass."""
        rare = _RARE_TWIST if sort in ("twist", "torsion") else _RARE
        more = MARGINS[sort] * (1 + rare / self.num**0.5)
        return self.low - more, self.high + more


class Ranges:
    """Ranges of all sorts of quantities.

    Args:
        classes: of each sort ("bond_length", ...) the ranges by name.
        head: how they were made.
        usual_angles: angles in the mean, in degrees, by name.
    """

    def __init__(
        self,
        classes: Mapping[str, Mapping[str, Sequence[float]]],
        head: Mapping[str, Any] | None = None,
        usual_angles: Mapping[str, float] | None = None,
    ):
        self.head = dict(head or {})
        self._usual_angles = dict(usual_angles or {})
        self._classes = {
            sort: {name: Range(low, high, int(num)) for name, (low, high, num) in mine.items()}
            for sort, mine in classes.items()
        }
        self._bounds = {
            sort: {name: found.widened(sort) for name, found in mine.items()}
            for sort, mine in self._classes.items()
        }

        self._narrow = {
            sort: {
                name: (found.low - beyond, found.high + beyond)
                for name, found in self._classes.get(sort, {}).items()
                if found.num >= often and found.high - found.low <= span
            }
            for sort, (often, span, beyond) in _NARROW.items()
        }

    def find(self, sort: str, names: Sequence[str]) -> Range | None:
        """The range under the finest name that was seen often enough, else under the coarsest that was seen at all."""
        mine, best = self._classes.get(sort, {}), None
        for name in names:
            found = mine.get(name)
            if found is not None:
                best = found
                if found.num >= LEAST_SEEN:
                    break
        return best

    def middle(self, sort: str, names: Sequence[str]) -> float | None:
        """Halfway between the extremes of the finest name that was seen at all: a usual value, however rare."""
        mine = self._classes.get(sort, {})
        found = next((mine[name] for name in names if name in mine), None)
        return None if found is None else (found.low + found.high) / 2

    def usual_angles(self, names: Sequence[tuple[str, ...]]) -> np.ndarray:
        """Angles in the mean of all that were seen under the finest name, in degrees; NaN where nothing is known."""
        mine = self._usual_angles
        found = [next((mine[name] for name in levels if name in mine), np.nan) for levels in names]
        return np.array(found, dtype=float)

    def bounds(self, sort: str, names: Sequence[tuple[str, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest value that passes of each term, two arrays; infinite where nothing is known."""
        mine, bounds = self._classes.get(sort, {}), self._bounds.get(sort, {})
        narrow = self._narrow.get(sort, {})
        low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
        for place, levels in enumerate(names):
            best = None
            for name in levels:
                found = mine.get(name)
                if found is not None:
                    best = name
                    if found.num >= LEAST_SEEN:
                        break
            if best is not None:
                low[place], high[place] = bounds[best]
            for name in levels[-_COARSE:]:
                if name in narrow:
                    least, greatest = narrow[name]
                    low[place], high[place] = max(low[place], least), min(high[place], greatest)
        return low, high

    @classmethod
    def from_json(cls, text: str) -> Ranges:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        return cls(content["ranges"], content["head"], content.get("usual_angles"))

    def to_json(self) -> str:
        """One line a class, sorted."""
        sorts = []
        for sort, mine in sorted(self._classes.items()):
            lines = ",\n".join(
                f"{json.dumps(name)}:[{found.low:g},{found.high:g},{found.num}]"
                for name, found in sorted(mine.items())
            )
            sorts.append(f"{json.dumps(sort)}:{{\n{lines}\n}}")
        usual = ",\n".join(
            f"{json.dumps(name)}:{mean:g}" for name, mean in sorted(self._usual_angles.items())
        )
        ranges = ",\n".join(sorts)
        return f'{{"head":{json.dumps(self.head)},\n"ranges":{{\n{ranges}\n}},\n"usual_angles":{{\n{usual}\n}}}}\n'


@cache
def shipped_ranges() -> Ranges:
    """The table of the package."""
    return Ranges.from_json(files("molediff.molecules.perception").joinpath("ranges.json").read_text("utf-8"))
