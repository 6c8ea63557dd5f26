"""Atoms of which MMFF94s has no parameters: boron, selenium, five and six neighbours, iodine with two and more,
sulfuranes, and sulfur of N=S=O.

An element that has them stands in for each, so that all other atoms get their types and charges; silicon does for any
number of neighbours. Lengths and angles at such an atom are then those of minima (`perception.ranges`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import combinations

import torch
from rdkit import Chem, rdBase
from rdkit.Chem import rdForceFieldHelpers
from torch import Tensor

from molediff.molecules.energies.mmff_terms import MMFFTerms
from molediff.molecules.perception.hypervalent import hypervalent
from molediff.molecules.perception.kinds import Kinds
from molediff.molecules.perception.ranges import shipped_ranges

_FOREIGN = Chem.MolFromSmarts("[#5,#34,PX5,PX6,SX5,SX6,$([SX4v4]),IX2,IX3,IX4,IX5,$([SX2](=[#7])=[#7,#8])]")
_OF_SULFUR = Chem.MolFromSmarts("*-[NX2]=[SX2]=[#7,#8]")
_MANY = 5  # neighbours, from which on there is no one angle between them

# Barriers in kcal/mol about single bonds of trigonal boron, twofold and flat, of all torsions about a bond together.
_BARRIERS = {"O": 11.0, "N": 26.0, "C": 5.5}
# V1, V2 and V3 in kcal/mol about N=S of N=S=O and N=S=N: flat, and the former cis.
_ABOUT_N_S = {"O": (-24.0, 4.0, 0.0), "N": (-6.0, 16.0, 0.0)}
_FLAT = 0.1  # mdyn Angstrom rad^-2, out of the plane of boron and of nitrogen on it
_SMALLER = 0.85  # contacts of boron, as a share of those of silicon
# Neighbours of a centre with five or six of them repel each other; in units of their distance at a right angle, and
# kcal/mol: as stiff as an angle then.
_APART, _REPULSION = 1.4, 0.05
_BETWEEN_OTHERS = 104.0  # degrees, of the two others of SF4
_STIFFER = 2.5  # their bonds, which that must not stretch


def foreign_atoms(mol: Chem.Mol) -> list[int]:
    """Atoms of a molecule that MMFF94s has no parameters for and that something can stand in for."""
    return [atom for (atom,) in mol.GetSubstructMatches(_FOREIGN)]


def stand_in(mol: Chem.Mol, foreign: Collection[int]) -> Chem.Mol:
    """The same atoms and bonds with elements that MMFF94s knows; not sanitized.

    Silicon, without its charge, has any number of single bonds there, and sulfur double ones.
    """
    known = Chem.RWMol(mol)
    for atom in map(known.GetAtomWithIdx, foreign):
        is_like_sulfur = atom.GetSymbol() in ("S", "Se") or any(
            bond.GetBondType() == Chem.BondType.DOUBLE for bond in atom.GetBonds()
        )
        if is_like_sulfur and atom.GetDegree() < (_MANY if atom.GetTotalValence() > 4 else 4):
            atom.SetAtomicNum(16)
        else:
            atom.SetAtomicNum(14)
            atom.SetFormalCharge(0)
        atom.SetNoImplicit(True)
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    known.UpdatePropertyCache(strict=False)
    return known.GetMol()


def with_foreign(terms: MMFFTerms, mol: Chem.Mol, foreign: Collection[int]) -> MMFFTerms:
    """Terms of a molecule, those of its `stand_in` before, with the shape that minima have at its foreign atoms.

    Args:
        terms: of the `stand_in`, in double precision.
        mol: the molecule itself.
        foreign: its `foreign_atoms`.
    """
    trigonal = [
        atom for atom in map(mol.GetAtomWithIdx, foreign) if atom.GetSymbol() == "B" and atom.GetDegree() == 3
    ]
    flat = {
        atom.GetIdx(): atom for boron in trigonal for atom in (boron, *boron.GetNeighbors()) if _is_flat(atom)
    }
    terms = _with_lengths(terms, mol, set(foreign))
    terms = _with_angles(terms, mol, set(foreign), set(flat))
    terms = _with_planes(terms, list(flat.values()))
    terms = _with_torsions(terms, mol, trigonal)
    return _with_contacts(terms, mol, foreign)


def _is_flat(atom: Chem.Atom) -> bool:
    """Whether boron, or nitrogen on boron, whose lone pair goes into the empty orbital, has three neighbours."""
    return atom.GetSymbol() in ("B", "N") and atom.GetDegree() == 3


def _with_lengths(terms: MMFFTerms, mol: Chem.Mol, foreign: set[int]) -> MMFFTerms:
    """Other lengths of the bonds of foreign atoms: those of minima, else UFF's."""
    usual, bonds = {}, Kinds(mol).lengths()
    for (i, j), names in zip(bonds.atoms.tolist(), bonds.names, strict=True):
        if i in foreign or j in foreign:
            length = shipped_ranges().middle("bond_length", names)
            if length is None:
                with rdBase.BlockLogs():  # of atoms that UFF has no type for
                    by_uff = rdForceFieldHelpers.GetUFFBondStretchParams(mol, i, j)
                length = None if by_uff is None else by_uff[1]
            if length is not None:
                usual[i, j] = length
    parameters = terms.bond_parameters.clone()
    for row, (i, j) in enumerate(terms.bonds.tolist()):
        if (i, j) in usual:
            parameters[row, 0] *= (parameters[row, 1] / usual[i, j]) ** 3  # shorter ones are stiffer (Badger)
            if any(mol.GetAtomWithIdx(end).GetDegree() >= _MANY for end in (i, j)):
                parameters[row, 0] *= _STIFFER
            parameters[row, 1] = usual[i, j]
    return replace(terms, bond_parameters=parameters)


def _with_angles(terms: MMFFTerms, mol: Chem.Mol, foreign: set[int], flat: set[int]) -> MMFFTerms:
    """Other angles that foreign atoms are in, and those at flat ones; none at centres with many neighbours."""
    usual: dict[tuple[int, ...], float] = {}
    angles = Kinds(mol).angles()
    for (i, j, k), names in zip(angles.atoms.tolist(), angles.names, strict=True):
        angle = shipped_ranges().middle("angle", names)
        if angle is not None and (j in flat or foreign.intersection((i, j, k))):
            usual[i, j, k] = usual[k, j, i] = angle
    lines = {found.atom: found.opposite() for found in hypervalent(mol) if found.atom in foreign}
    parameters, kept = terms.angle_parameters.clone(), []
    for row, (i, j, k) in enumerate(terms.angles.tolist()):
        kept.append(not (j in foreign and mol.GetAtomWithIdx(j).GetDegree() >= _MANY))
        if j in flat or foreign.intersection((i, j, k)):
            parameters[row, 1] = usual.get((i, j, k), 120.0 if j in flat else float(parameters[row, 1]))
            parameters[row, 2:4] = 0.0  # stretch-bend terms have other rest lengths
        if j in lines:
            parameters[row, 1], parameters[row, 4] = _beside(lines[j], i, k)
    return replace(terms, angles=terms.angles[kept], angle_parameters=parameters[kept])


def _beside(lines: Sequence[tuple[int, int]], i: int, k: int) -> tuple[float, float]:
    """Angle in degrees between neighbours of an atom with five pairs of electrons or six; 1 if they are in a line."""
    if (i, k) in lines or (k, i) in lines:
        return 180.0, 1.0
    ends = {end for line in lines for end in line}
    return (90.0 if ends.intersection((i, k)) else _BETWEEN_OTHERS), 0.0


def _with_planes(terms: MMFFTerms, flat: list[Chem.Atom]) -> MMFFTerms:
    known, planes = set(terms.planes[:, 1].tolist()), []
    for atom in flat:
        if atom.GetIdx() not in known:
            i, k, m = (neighbour.GetIdx() for neighbour in atom.GetNeighbors())
            planes += [(i, atom.GetIdx(), k, m), (i, atom.GetIdx(), m, k), (k, atom.GetIdx(), m, i)]
    return replace(
        terms,
        planes=_longer(terms.planes, planes),
        plane_parameters=_longer(terms.plane_parameters, [(_FLAT,)] * len(planes)),
    )


def _with_torsions(terms: MMFFTerms, mol: Chem.Mol, trigonal: list[Chem.Atom]) -> MMFFTerms:
    """Other torsions about bonds of trigonal boron and about N=S."""
    about: dict[frozenset[int], tuple[float, float, float]] = {}
    for boron in trigonal:
        for atom in boron.GetNeighbors():
            is_saturated = atom.GetHybridization() == Chem.HybridizationType.SP3 and atom.GetSymbol() == "C"
            barrier = 0.0 if is_saturated else _BARRIERS.get(atom.GetSymbol(), 0.0)
            about[frozenset((boron.GetIdx(), atom.GetIdx()))] = (0.0, barrier, 0.0)
    for _, j, k, m in mol.GetSubstructMatches(_OF_SULFUR):
        about[frozenset((j, k))] = _ABOUT_N_S[mol.GetAtomWithIdx(m).GetSymbol()]
    kept = torch.tensor(
        [frozenset(bond) not in about for bond in terms.torsions[:, 1:3].tolist()], dtype=torch.bool
    )
    torsions, parameters = [], []
    for (j, k), constants in about.items():
        around = [
            (i.GetIdx(), j, k, m.GetIdx())
            for i in mol.GetAtomWithIdx(j).GetNeighbors()
            for m in mol.GetAtomWithIdx(k).GetNeighbors()
            if len({i.GetIdx(), j, k, m.GetIdx()}) == 4
        ]
        torsions += around
        parameters += [tuple(constant / len(around) for constant in constants) for _ in around]
    return replace(
        terms,
        torsions=_longer(terms.torsions[kept], torsions),
        torsion_parameters=_longer(terms.torsion_parameters[kept], parameters),
    )


def _with_contacts(terms: MMFFTerms, mol: Chem.Mol, foreign: Collection[int]) -> MMFFTerms:
    """Contacts of boron, and those between the neighbours of centres with many."""
    parameters = terms.pair_parameters.clone()
    boron = [place for place in foreign if mol.GetAtomWithIdx(place).GetSymbol() == "B"]
    parameters[torch.isin(terms.pairs, torch.tensor(boron, dtype=torch.long)).any(1), 0] *= _SMALLER
    length = {
        frozenset(bond): float(row[1])
        for bond, row in zip(terms.bonds.tolist(), terms.bond_parameters, strict=True)
    }
    pairs, more = [], []
    for place in foreign:
        around = [neighbour.GetIdx() for neighbour in mol.GetAtomWithIdx(place).GetNeighbors()]
        if len(around) >= _MANY:
            for i, k in combinations(around, 2):
                pairs.append((i, k))
                more.append(
                    (
                        _APART * math.hypot(length[frozenset((place, i))], length[frozenset((place, k))]),
                        _REPULSION,
                        0.0,
                    )
                )
    return replace(terms, pairs=_longer(terms.pairs, pairs), pair_parameters=_longer(parameters, more))


def _longer(rows: Tensor, more: Sequence[tuple[float, ...]]) -> Tensor:
    """Rows (n, k) with more of them."""
    return torch.cat([rows, rows.new_tensor(more).reshape(-1, rows.shape[1])])
