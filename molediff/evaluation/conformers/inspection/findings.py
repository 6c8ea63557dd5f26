"""What in a conformer is odd in bonds, angles, planes, twists, ring fusions and contacts, beside minima, in words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from rdkit import Chem

from molediff.molecules.generation.checks import BondLengths
from molediff.molecules.generation.shape_checks import MOST_CIS, Coordination, RingFusion
from molediff.molecules.perception.contacts import Contacts, closest_table
from molediff.molecules.perception.internal_coordinates import SORTS, Bend, dihedral, terms_of
from molediff.molecules.perception.kinds import Kinds
from molediff.molecules.perception.ranges import shipped_ranges
from molediff.runtime.words import counted

_WORDS = {
    "bond_length": ("bond", "Å", 3, "odd bonds"),
    "angle": ("angle", "°", 0, "odd angles"),
    "planarity": ("height above the plane of its neighbours of", "Å", 2, "not planar"),
    "enclosure": ("enclosure by its neighbours of", "", 2, "odd centres"),
    "twist": ("twist about", "°", 0, "twisted planes"),
    "bend": ("angles, taken together, about", "° off", 0, "odd angles"),
    "torsion": ("atom out of the plane about", "°", 0, "twisted planes"),
    "cumulene": ("twist of the cumulene", "°", 0, "twisted planes"),
    "coordination": ("", "", 0, "odd centres"),
    "ring_fusion": ("ring fusion", "°", 0, "trans-fused rings"),
    "clash": ("contact", "Å", 2, "clashes"),
}
TITLES = {sort: words[3] for sort, words in _WORDS.items()}
"""What each sort of finding is called in a table."""


_closest_table = cache(lambda: closest_table(shipped_ranges()))


class Finding(NamedTuple):
    """One thing that is odd about some conformers.

    Attributes:
        sort: as the generator's checks call it, such as "bond_length".
        conformers: which of the n, in their order.
        text: what was found and what is usual, with the worst value.
    """

    sort: str
    conformers: tuple[int, ...]
    text: str


def findings(mol: Chem.Mol) -> list[Finding]:
    """All that is outside the ranges of quantum-chemical minima, the frequent first in each sort.

    Args:
        mol: sanitized, all hydrogens explicit, n conformers.
    """
    x = np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])
    kinds = Kinds(mol)
    found = [finding for sort in SORTS for finding in _of_sort(mol, kinds, x, sort)]
    return [
        *found,
        *_bends(mol, kinds, x),
        *_coordination(mol, x),
        *_ring_fusions(mol, x),
        *_clashes(mol, kinds, x),
    ]


def _of_sort(mol: Chem.Mol, kinds: Kinds, x: np.ndarray, sort: str) -> Iterator[Finding]:
    if sort == "bond_length":
        ranges = BondLengths(mol, kinds).ranges()
        atoms = np.array([pair for pair, *_ in ranges], dtype=np.int64).reshape(-1, 2)
        low, high = (np.array([row[k] for row in ranges], dtype=float) for k in (1, 2))
    else:
        terms = terms_of(kinds, sort)
        atoms = terms.atoms
        low, high = shipped_ranges().bounds(sort, terms.names)
    if len(atoms):
        yield from _outside(mol, sort, atoms, SORTS[sort](x, atoms), low, high)


def _bends(mol: Chem.Mol, kinds: Kinds, x: np.ndarray) -> Iterator[Finding]:
    bend = Bend(kinds, shipped_ranges().usual_angles)
    low, high = shipped_ranges().bounds("bend", bend.terms.names)
    yield from _outside(mol, "bend", bend.terms.atoms, bend(x), low, high)


def _coordination(mol: Chem.Mol, x: np.ndarray) -> Iterator[Finding]:
    check = Coordination(mol)
    for found, wrong in zip(check.atoms, check.wrong(x).T, strict=True):
        if wrong.any():
            name = f"{mol.GetAtomWithIdx(found.atom).GetSymbol()}{found.atom}"
            asked = counted(found.num_opposite, "pair")
            text = f"neighbours of {name}: not {asked} of them in a line, as its pairs of electrons (VSEPR) ask for"
            yield Finding(check.name, tuple(np.flatnonzero(wrong).tolist()), text)


def _ring_fusions(mol: Chem.Mol, x: np.ndarray) -> Iterator[Finding]:
    atoms = RingFusion(mol).atoms
    low, high = np.full(len(atoms), -np.inf), np.full(len(atoms), MOST_CIS)
    yield from _outside(mol, RingFusion.name, atoms, dihedral(x, atoms), low, high)


def _clashes(mol: Chem.Mol, kinds: Kinds, x: np.ndarray) -> Iterator[Finding]:
    contacts = Contacts(mol, kinds)
    if len(contacts.pairs):
        closest = contacts.closest(_closest_table())
        high = np.full(len(closest), np.inf)
        yield from _outside(mol, "clash", contacts.pairs, contacts.distances(x), closest, high)


def _outside(
    mol: Chem.Mol, sort: str, atoms: np.ndarray, values: np.ndarray, low: np.ndarray, high: np.ndarray
) -> Iterator[Finding]:
    """What lies outside, a finding a term; values (n, terms)."""
    beyond = np.where(values < low, low - values, np.where(values > high, values - high, 0.0))
    frequent = np.argsort(-(beyond > 0).sum(0), kind="stable")
    for term in frequent:
        rows = np.flatnonzero(beyond[:, term] > 0)
        if len(rows) == 0:
            return
        worst = values[rows[beyond[rows, term].argmax()], term]
        yield Finding(
            sort, tuple(map(int, rows)), _text(mol, sort, atoms[term], worst, low[term], high[term])
        )


def _text(mol: Chem.Mol, sort: str, atoms: np.ndarray, value: float, low: float, high: float) -> str:
    word, unit, digits, _ = _WORDS[sort]
    chosen = atoms[:1] if sort in ("planarity", "enclosure", "bend") else atoms[atoms >= 0]
    names = "–".join(f"{mol.GetAtomWithIdx(int(i)).GetSymbol()}{int(i)}" for i in chosen)
    space = "" if unit[:1] in ("", "°") else " "

    def shown(number: float) -> str:
        return f"{number:.{digits}f}{space}{unit}"

    if np.isinf(high):
        usual = f"usual at least {shown(low)}"
    elif np.isinf(low) or low <= 0:
        usual = f"usual at most {shown(high)}"
    else:
        usual = f"usual {low:.{digits}f} to {shown(high)}"
    return f"{word} {names}: {shown(value)}, {usual}"
