"""The terms of MMFF94s of one molecule as arrays: who takes part in each, and with which parameters.

RDKit finds atom types, charges and parameters; here they are asked for term by term, by the rules by which its own
force field takes them up.

Source: Halgren 1996, MMFF I (the functional form, equations 2 to 8); Tosco et al. 2014 (the implementation in RDKit).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

# Types of atoms that MMFF94 makes linear: of C#C and =C=, of =N= and of an isonitrile's or diazonium's N.
_LINEAR_TYPES = frozenset({4, 53, 61})
_BENT = (Chem.HybridizationType.SP2, Chem.HybridizationType.SP3)
_CLOSE = 0.75  # share of the charges' energy between the ends of a torsion
_COULOMB = 332.0716  # kcal/mol Angstrom


@dataclass(frozen=True)
class MMFFTerms:
    """Terms of a molecule of N atoms. Each kind has the atoms of its terms, int64, and a row of parameters a term.

    Attributes:
        bonds: (b, 2); force constant in mdyn/A, rest length in A.
        angles: (a, 3), the middle atom second; force constant in mdyn A/rad^2, rest angle in degrees, constants of
            the stretch-bend terms of the first and of the second bond, 1 if linear (else 0), rest lengths of both.
        planes: (p, 4): three neighbours and, second, the atom in the middle; force constant in mdyn A/rad^2.
        torsions: (t, 4); V1, V2, V3 in kcal/mol.
        pairs: (v, 2), three bonds apart or more; R* in A, epsilon and the energy of the charges at 1 A in kcal/mol.
    """

    bonds: Tensor
    bond_parameters: Tensor
    angles: Tensor
    angle_parameters: Tensor
    planes: Tensor
    plane_parameters: Tensor
    torsions: Tensor
    torsion_parameters: Tensor
    pairs: Tensor
    pair_parameters: Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> MMFFTerms:
        """The same on a device, parameters of a kind of float."""
        moved = [getattr(self, field.name).to(device) for field in fields(self)]
        return MMFFTerms(*(part.to(dtype) if part.is_floating_point() else part for part in moved))

    def without_charges(self) -> MMFFTerms:
        """The same, charges not acting."""
        return replace(
            self, pair_parameters=self.pair_parameters * self.pair_parameters.new_tensor([1, 1, 0])
        )

    @classmethod
    def of(
        cls, mol: Chem.Mol, properties: Any, amended: bool = False, charges: Mapping[int, float] | None = None
    ) -> MMFFTerms:
        """The terms of a molecule with explicit hydrogens.

        Args:
            mol: the molecule.
            properties: RDKit's `MMFFMolProperties` of it.
            amended: give heterocumulenes (`heterocumulenes`), nitrosamines and azo groups the shape that they have.
            charges: what atoms have besides those of `properties`.
        """
        around = [[neighbour.GetIdx() for neighbour in atom.GetNeighbors()] for atom in mol.GetAtoms()]
        bonds = _bonds(mol, properties)
        angles = _angles(mol, properties, around)
        planes = _planes(mol, properties, around)
        torsions = _torsions(mol, properties, around)
        pairs = _pairs(mol, properties, charges or {})
        if amended:
            for more in (
                _amended_heterocumulenes(mol, around, bonds, angles),
                _amended_nitrosamines(mol, around, angles),
                _amended_azo(mol),
            ):
                torsions = (torch.cat([torsions[0], more[0]]), torch.cat([torsions[1], more[1]]))
        return cls(*bonds, *angles, *planes, *torsions, *pairs)


# Medians of AIMNet2 minima of isocyanates, isothiocyanates, carbodiimides and ketenimines (62, 51, 130 and 26), in
# degrees: MMFF94s has no parameters for the bend at their nitrogen, and its empirical rule gives 111.5 to all.
_BENT_AT_NITROGEN = {"O": 134.0, "S": 149.0, "N": 124.5, "C": 124.0}
_BEND = 0.5  # mdyn Angstrom rad^-2: it is soft
_CROSSED = (0.0, -3.0, 0.0)  # kcal/mol, of V1, V2 and V3: the two ends are perpendicular
_C_S = (7.0, 1.578)  # mdyn/Angstrom and Angstrom; the rule makes it a single bond
# Nitrosamines are flat, with a barrier of 23 kcal/mol about N-N; MMFF94s takes their nitrogen for that of an amine.
_FLAT, _FLAT_BEND = (0.0, 11.0, 0.0), 0.8
# The one torsion about N=N has a barrier of 12 kcal/mol, the four about C=C of 48: tertiary groups on one side push
# past it.
_HELD_FLAT = (0.0, 28.0, 0.0)
_AZO = Chem.MolFromSmarts("*-[NX2]=[NX2]-*")
_NITROSAMINE = Chem.MolFromSmarts("[#6,#1]-[NX3]-[NX2]=O")
_HETEROCUMULENE = Chem.MolFromSmarts("[#6,S,P]-[NX2]=[CX2]=[O,S,N,C]")


def heterocumulenes(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Atoms of each R-N=C=X in a molecule, R one of C, S and P, X one of O, S, N and C."""
    return [tuple(found) for found in mol.GetSubstructMatches(_HETEROCUMULENE)]


def _amended_heterocumulenes(
    mol: Chem.Mol, around: list[list[int]], bonds: tuple[Tensor, Tensor], angles: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Amend bonds and angles in place; the torsions to add."""
    crossed: list[tuple[int, ...]] = []
    for i, j, k, m in heterocumulenes(mol):
        beyond = mol.GetAtomWithIdx(m).GetSymbol()
        _amend(angles, {i, j, k}, (_BEND, _BENT_AT_NITROGEN[beyond]))
        if beyond == "S":
            _amend(bonds, {k, m}, _C_S)
        crossed += [(i, j, m, n) for n in around[m] if n != k]
    return _tensors(crossed, [_CROSSED] * len(crossed), 4, 3)


def _amended_nitrosamines(
    mol: Chem.Mol, around: list[list[int]], angles: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Amend angles in place; the torsions to add."""
    flat = [tuple(found) for found in mol.GetSubstructMatches(_NITROSAMINE)]
    for _, j, k, _ in flat:
        ends = [i for i in around[j] if i != k]
        for i in ends:
            _amend(angles, {i, j, k}, (_FLAT_BEND, 118.0))
        _amend(angles, {*ends, j}, (_FLAT_BEND, 122.0))
    return _tensors(flat, [_FLAT] * len(flat), 4, 3)


def _amended_azo(mol: Chem.Mol) -> tuple[Tensor, Tensor]:
    """The torsions to add."""
    flat = [tuple(found) for found in mol.GetSubstructMatches(_AZO)]
    return _tensors(flat, [_HELD_FLAT] * len(flat), 4, 3)


def _amend(terms: tuple[Tensor, Tensor], atoms: set[int], parameters: tuple[float, ...]) -> None:
    """Give the term of these atoms other first parameters, in place."""
    for row, found in enumerate(terms[0].tolist()):
        if set(found) == atoms:
            terms[1][row, : len(parameters)] = torch.tensor(parameters, dtype=torch.float64)


def _tensors(atoms: list[Any], parameters: list[Any], order: int, width: int) -> tuple[Tensor, Tensor]:
    return (
        torch.tensor(atoms, dtype=torch.long).reshape(-1, order),
        torch.tensor(parameters, dtype=torch.float64).reshape(-1, width),
    )


def _bonds(mol: Chem.Mol, properties: Any) -> tuple[Tensor, Tensor]:
    atoms, parameters = [], []
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        _, constant, length = properties.GetMMFFBondStretchParams(mol, i, j)
        atoms.append((i, j))
        parameters.append((constant, length))
    return _tensors(atoms, parameters, 2, 2)


def _angles(mol: Chem.Mol, properties: Any, around: list[list[int]]) -> tuple[Tensor, Tensor]:
    atoms, parameters = [], []
    for j, ends in enumerate(around):
        if len(ends) < 2:
            continue
        linear = properties.GetMMFFAtomType(j) in _LINEAR_TYPES
        lengths = {i: properties.GetMMFFBondStretchParams(mol, i, j)[2] for i in ends}
        for place, i in enumerate(ends):
            for k in ends[place + 1 :]:
                bend = properties.GetMMFFAngleBendParams(mol, i, j, k)
                if bend is None:
                    continue
                mixed = None if linear else properties.GetMMFFStretchBendParams(mol, i, j, k)
                first, second = (0.0, 0.0) if mixed is None else mixed[1:]
                atoms.append((i, j, k))
                parameters.append((bend[1], bend[2], first, second, float(linear), lengths[i], lengths[k]))
    return _tensors(atoms, parameters, 3, 7)


def _planes(mol: Chem.Mol, properties: Any, around: list[list[int]]) -> tuple[Tensor, Tensor]:
    atoms, parameters = [], []
    for j, ends in enumerate(around):
        if len(ends) != 3:
            continue
        i, k, m = ends
        constant = properties.GetMMFFOopBendParams(mol, i, j, k, m)
        if constant:
            atoms += [(i, j, k, m), (i, j, m, k), (k, j, m, i)]
            parameters += [(constant,)] * 3
    return _tensors(atoms, parameters, 4, 1)


def _torsions(mol: Chem.Mol, properties: Any, around: list[list[int]]) -> tuple[Tensor, Tensor]:
    atoms, parameters = [], []
    for bond in mol.GetBonds():
        begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
        if begin.GetHybridization() not in _BENT or end.GetHybridization() not in _BENT:
            continue
        j, k = begin.GetIdx(), end.GetIdx()
        for i in around[j]:
            for m in around[k]:
                if i in (k, m) or m == j:
                    continue
                found = properties.GetMMFFTorsionParams(mol, i, j, k, m)
                if found is not None and any(found[1:]):
                    atoms.append((i, j, k, m))
                    parameters.append(found[1:])
    return _tensors(atoms, parameters, 4, 3)


def _pairs(mol: Chem.Mol, properties: Any, charges: Mapping[int, float]) -> tuple[Tensor, Tensor]:
    hops = np.asarray(Chem.GetDistanceMatrix(mol))
    first, second = np.nonzero(np.triu((hops > 2) & (hops < len(hops)), 1))
    types = np.array([properties.GetMMFFAtomType(i) for i in range(mol.GetNumAtoms())])
    kinds, one_of, kind = np.unique(types, return_index=True, return_inverse=True)
    table = np.zeros((len(kinds), len(kinds), 2))
    for a, i in enumerate(one_of.tolist()):
        for b, j in enumerate(one_of.tolist()):
            table[a, b] = properties.GetMMFFVdWParams(i, j)[2:]
    parameters = np.zeros((len(first), 3))
    parameters[:, :2] = table[kind[first], kind[second]]
    charge = np.array([properties.GetMMFFPartialCharge(i) for i in range(mol.GetNumAtoms())])
    for place, more in charges.items():
        charge[place] += more
    share = np.where(hops[first, second] == 3, _CLOSE, 1.0)
    parameters[:, 2] = _COULOMB * share * charge[first] * charge[second]
    return torch.from_numpy(np.stack([first, second], 1)), torch.from_numpy(parameters)
