"""Bonds and angles of the minima of small molecules: of 632 that everybody knows, of up to four heavy atoms most.

Values are compared between equivalent bonds and angles of a molecule, each set in order of size, so that no numbering
of its hydrogens has to be found. The table, `known_minima.json`, is made by `scripts/build_known_minima.py` of
`data/known_molecules.sdf.gz` and `data/small_molecules.sdf.gz` (GFN2-xTB).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from rdkit import Chem

from molediff.molecules.perception import internal_coordinates
from molediff.molecules.perception.kinds import Kinds

BOND_TOLERANCE = 0.03
"""Within which a bond is right, in Angstrom."""
ANGLE_TOLERANCE = 4.0
"""Within which an angle is right, in degrees."""

METHOD = "gfn2"
"""Of the minima."""

_PER_ANGSTROM, _PER_DEGREE = 10_000, 100


class EquivalentTerms:
    """Bonds and angles of one molecule, those that symmetry makes alike in order of size.

    Args:
        mol: explicit hydrogens; its marks of stereo count for nothing.
        kinds: of its atoms, if they are known already.

    Attributes:
        bonds, angles: atoms of each, (bonds, 2) and (angles, 3), the middle one of an angle second.
    """

    def __init__(self, mol: Chem.Mol, kinds: Kinds | None = None):
        kinds = kinds or Kinds(mol)
        plain = _without_labels(mol, stereo=False)
        ranks = list(Chem.CanonicalRankAtoms(plain, breakTies=False, includeChirality=False))
        self.bonds, self.angles = kinds.lengths().atoms, kinds.angles().atoms
        self._bond_sets = _alike([tuple(sorted(ranks[i] for i in bond)) for bond in self.bonds])
        self._angle_sets = _alike(
            [(ranks[j], *sorted((ranks[i], ranks[k]))) for i, j, k in self.angles.tolist()]
        )

    def values(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lengths (n, bonds) in Angstrom and angles (n, angles) in degrees of conformers (n, N, 3)."""
        return (
            _in_order(internal_coordinates.length(x, self.bonds), self._bond_sets),
            _in_order(internal_coordinates.angle(x, self.angles), self._angle_sets),
        )

    def canonical(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `values`, the sets in the order of the ranks of their atoms: the same for every numbering of the atoms."""
        bonds, angles = self.values(x)
        return bonds[:, _order(self._bond_sets)], angles[:, _order(self._angle_sets)]

    def places(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of `bonds` and of `angles` each value of `canonical` is of, (n, bonds) and (n, angles)."""
        return (
            _places(internal_coordinates.length(x, self.bonds), self._bond_sets),
            _places(internal_coordinates.angle(x, self.angles), self._angle_sets),
        )


def _places(values: np.ndarray, sets: Mapping[tuple[int, ...], Sequence[int]]) -> np.ndarray:
    """Which term is at each place of the canonical order, (n, terms), of values (n, terms) as the molecule has them."""
    found = [
        np.array(sets[key])[np.argsort(values[:, sets[key]], axis=1, kind="stable")] for key in sorted(sets)
    ]
    return np.concatenate(found, axis=1) if found else np.zeros((len(values), 0), dtype=np.int64)


def _without_labels(mol: Chem.Mol, stereo: bool = True) -> Chem.Mol:
    """A copy without isotopes and atom maps, with or without marks of stereo."""
    plain = Chem.Mol(mol)
    if not stereo:
        Chem.RemoveStereochemistry(plain)
    for atom in plain.GetAtoms():
        atom.SetAtomMapNum(0)
        atom.SetIsotope(0)
    return plain


def _alike(keys: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], list[int]]:
    sets: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        sets[key].append(place)
    return sets


def _order(sets: Mapping[tuple[int, ...], Sequence[int]]) -> list[int]:
    return [place for key in sorted(sets) for place in sets[key]]


def _in_order(values: np.ndarray, sets: Mapping[tuple[int, ...], Sequence[int]]) -> np.ndarray:
    """Values (n, terms) in order of size within each set."""
    values = values.copy()
    for mine in sets.values():
        values[:, mine] = np.sort(values[:, mine], axis=1)
    return values


def key_of(mol: Chem.Mol, stereo: bool = True) -> str:
    """The name of a molecule in the table: its SMILES with all hydrogens, without isotopes and maps."""
    return Chem.MolToSmiles(_without_labels(mol, stereo))


def table_of(mols: Sequence[Chem.Mol]) -> str:
    """The table of the minima of molecules (explicit hydrogens, their conformers), as JSON, a line a molecule.

    Under a name without marks of stereo are the minima of all stereoisomers.
    """
    found: dict[str, list[list[list[int]]]] = defaultdict(list)
    for mol in mols:
        x = np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])
        bonds, angles = EquivalentTerms(mol).canonical(x)
        rounded = zip(np.rint(bonds * _PER_ANGSTROM), np.rint(angles * _PER_DEGREE), strict=True)
        rows = [[b.astype(int).tolist(), a.astype(int).tolist()] for b, a in rounded]
        for name in {key_of(mol), key_of(mol, stereo=False)}:
            found[name] += rows
    lines = (
        f"{json.dumps(name)}:{json.dumps(rows, separators=(',', ':'))}"
        for name, rows in sorted(found.items())
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


@cache
def _shipped() -> dict[str, list[list[list[int]]]]:
    text = files("molediff.molecules.perception").joinpath("known_minima.json").read_text("utf-8")
    return dict(json.loads(text))


def known_minima(mol: Chem.Mol) -> tuple[np.ndarray, np.ndarray] | None:
    """Bonds (minima, bonds) in Angstrom and angles (minima, angles) in degrees as `EquivalentTerms.canonical` has them.

    None if the molecule (explicit hydrogens) is not in the table.
    """
    rows = _shipped().get(key_of(mol)) if mol.GetNumHeavyAtoms() <= _largest() else None
    if rows is None:
        return None
    bonds, angles = (np.array([row[sort] for row in rows], dtype=np.float64) for sort in (0, 1))
    return bonds / _PER_ANGSTROM, angles / _PER_DEGREE


@cache
def _largest() -> int:
    """Heavy atoms of the largest molecule of the table: of a larger one no SMILES need be written."""
    return max(sum(letter.isupper() and letter != "H" for letter in name) for name in _shipped())
