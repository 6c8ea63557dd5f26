"""How far lengths, angles and dihedrals of generated molecules are distributed from those of data, type by type."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from rdkit import Chem
from scipy.stats import wasserstein_distance

Values = dict[str, np.ndarray]
"""By type."""


@dataclass(frozen=True)
class Geometry:
    """All internal coordinates of a set of molecules, by type.

    Attributes:
        lengths: in Angstrom; types such as "C=O" or "c:n", hydrogens included.
        angles: in degrees, [0, 180]; types by the atom in the middle and its number of bonded atoms, such as "C4".
        dihedrals: in degrees, [0, 180], of four heavy atoms about a single bond outside rings; types by the two atoms
            in the middle, such as "C4-O2".
    """

    lengths: Values = field(default_factory=dict)
    angles: Values = field(default_factory=dict)
    dihedrals: Values = field(default_factory=dict)


def geometry_of(mols: Iterable[Chem.Mol]) -> Geometry:
    """Of molecules with explicit hydrogens and a conformer."""
    lengths, angles, dihedrals = (defaultdict[str, list[np.ndarray]](list) for _ in range(3))
    for mol in mols:
        x = mol.GetConformer().GetPositions()
        for bond in mol.GetBonds():
            a, b = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            lengths[_bond_type(bond)].append(np.linalg.norm(x[[a]] - x[[b]], axis=-1))
        for atom in mol.GetAtoms():
            around = [neighbour.GetIdx() for neighbour in atom.GetNeighbors()]
            if len(around) > 1:
                angles[_atom_type(atom)].append(_angles(x[around] - x[atom.GetIdx()]))
        for bond in mol.GetBonds():
            if (values := _dihedrals(mol, bond, x)) is not None:
                ends = sorted((_atom_type(bond.GetBeginAtom()), _atom_type(bond.GetEndAtom())))
                dihedrals["-".join(ends)].append(values)
    joined = [
        {kind: np.concatenate(found) for kind, found in sorted(values.items())}
        for values in (lengths, angles, dihedrals)
    ]
    return Geometry(*joined)


def distance(values: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> float:
    """Wasserstein-1 distance, averaged over the types of the reference by how often they are there.

    A type of which there are no values is left out, and its share with it: how often types are is another question.
    NaN where no type is left.
    """
    shared = [kind for kind in reference if kind in values]
    if not shared:
        return float("nan")
    weights = np.array([len(reference[kind]) for kind in shared], np.float64)
    distances = [wasserstein_distance(values[kind], reference[kind]) for kind in shared]
    return float(np.average(distances, weights=weights))


def type_distance(values: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> float:
    """Total variation between the shares of the types."""
    kinds = {*values, *reference}
    shares = [
        np.array([len(part.get(kind, ())) for kind in sorted(kinds)], np.float64)
        for part in (values, reference)
    ]
    p, q = (share / share.sum() for share in shares)
    return float(np.abs(p - q).sum() / 2)


_SIGNS = {
    Chem.BondType.SINGLE: "-",
    Chem.BondType.DOUBLE: "=",
    Chem.BondType.TRIPLE: "#",
    Chem.BondType.AROMATIC: ":",
}


def _bond_type(bond: Chem.Bond) -> str:
    ends = sorted((bond.GetBeginAtom().GetSymbol(), bond.GetEndAtom().GetSymbol()))
    return _SIGNS.get(bond.GetBondType(), "?").join(ends)


def _atom_type(atom: Chem.Atom) -> str:
    return f"{atom.GetSymbol()}{atom.GetDegree()}"


def _angles(arms: np.ndarray) -> np.ndarray:
    arms = arms / np.linalg.norm(arms, axis=-1, keepdims=True)
    first, second = np.triu_indices(len(arms), 1)
    return np.degrees(np.arccos(np.clip((arms[first] * arms[second]).sum(-1), -1, 1)))


def _dihedrals(mol: Chem.Mol, bond: Chem.Bond, x: np.ndarray) -> np.ndarray | None:
    if bond.GetBondType() != Chem.BondType.SINGLE or bond.IsInRing():
        return None
    b, c = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    ends = []
    for here, other in ((b, c), (c, b)):
        neighbours = mol.GetAtomWithIdx(here).GetNeighbors()
        ends.append([n.GetIdx() for n in neighbours if n.GetIdx() != other and n.GetAtomicNum() > 1])
    if not ends[0] or not ends[1]:
        return None
    axis = x[c] - x[b]
    first = np.cross(np.array([x[b] - x[a] for a in ends[0]]), axis)
    second = np.cross(axis, np.array([x[d] - x[c] for d in ends[1]]))
    norms = np.linalg.norm(first, axis=-1)[:, None] * np.linalg.norm(second, axis=-1)[None]
    cosines = np.clip(first @ second.T / np.maximum(norms, 1e-9), -1, 1)
    return np.degrees(np.arccos(cosines)).ravel()
