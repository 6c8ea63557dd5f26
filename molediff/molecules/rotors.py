"""Rotatable bonds of a molecule, the torsions about them, and turning them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from rdkit import Chem

_ROTATABLE = Chem.MolFromSmarts("[!$(*#*)&!D1]-!@[!$(*#*)&!D1]")
BETWEEN_HEAVY, POLAR, METHYL = 0, 1, 2
"""What a rotatable bond turns: heavy atoms on both sides, a group with polar hydrogens, or three hydrogens."""

# Of a pyramid of unit edges: it is 0.77 at a tetrahedral atom and near 0 at a flat one.
_LEAST_VOLUME = 0.3


@dataclass(frozen=True)
class Rotors:
    """Rotatable bonds of a molecule of N atoms: single, in no ring, with something to turn at both ends.

    Attributes:
        bonds: the two atoms of each, int64, shape (R, 2).
        turned: atoms on the second atom's side, the smaller one, bool, shape (R, N).
        kind: `BETWEEN_HEAVY`, `POLAR` or `METHYL`, int64, shape (R,).
        torsions: atoms i, j, k, l of a torsion about each, int64, shape (R, 4): j and k are those of `bonds`, i and l
            their heaviest other neighbours, of equal ones the first.
        seconds: the heaviest of what else hangs on j and on k, int64, shape (R, 2); -1 where it is no heavy atom.
    """

    bonds: np.ndarray
    turned: np.ndarray
    kind: np.ndarray
    torsions: np.ndarray
    seconds: np.ndarray

    @classmethod
    def of(cls, mol: Chem.Mol) -> Rotors:
        """Rotatable bonds of a molecule with explicit hydrogens."""
        bonds, turned, kinds = [], [], []
        for j, k in mol.GetSubstructMatches(_ROTATABLE):
            side = _side(mol, j, k)
            if 2 * side.sum() > mol.GetNumAtoms():
                j, k, side = k, j, ~side
            bonds.append((j, k))
            turned.append(side)
            kinds.append(max(_kind(mol, j, k), _kind(mol, k, j)))
        ends = [(_ends(mol, j, k), _ends(mol, k, j)) for j, k in bonds]
        torsions = [(i[0], j, k, last[0]) for (j, k), (i, last) in zip(bonds, ends, strict=True)]
        seconds = [[_second(mol, side) for side in both] for both in ends]
        return cls(
            np.array(bonds, dtype=np.int64).reshape(-1, 2),
            np.array(turned, dtype=bool).reshape(-1, mol.GetNumAtoms()),
            np.array(kinds, dtype=np.int64),
            np.array(torsions, dtype=np.int64).reshape(-1, 4),
            np.array(seconds, dtype=np.int64).reshape(-1, 2),
        )

    def __len__(self) -> int:
        return len(self.bonds)

    def subset(self, chosen: np.ndarray) -> Rotors:
        """The rotors `chosen`, by position or by booleans."""
        return Rotors(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def angles(self, x: np.ndarray) -> np.ndarray:
        """Torsions in degrees, from -180 to 180, of points x (..., N, 3), shape (..., R)."""
        return torsion_angles(x, self.torsions)

    def hands(self, x: np.ndarray) -> np.ndarray:
        """How the ends of each bond are handed at points x (..., N, 3), shape (..., R, 2): +1 or -1.

        It is the sign of (i - j) . ((k - j) x (a - j)) for the end j with its second neighbour a, and the same of the
        end k with l, j and its own; 0 where there is no second neighbour, or all lie in one plane.
        """
        i, j, k, end = (x[..., self.torsions[:, column], :] for column in range(4))
        hands = []
        for (first, centre, other), second in zip(
            ((i, j, k), (end, k, j)), (self.seconds[:, 0], self.seconds[:, 1]), strict=True
        ):
            legs = [point - centre for point in (first, other, x[..., second, :])]
            legs = [leg / np.linalg.norm(leg, axis=-1, keepdims=True) for leg in legs]
            volume = (legs[0] * np.cross(legs[1], legs[2])).sum(-1)
            hands.append(np.where((second >= 0) & (np.abs(volume) > _LEAST_VOLUME), np.sign(volume), 0.0))
        return np.stack(hands, axis=-1)

    def turn(self, x: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """Points x (..., N, 3) with each torsion raised by its angle in degrees, shape (..., R)."""
        x = np.array(x, dtype=np.float64)
        for rotor, ((j, k), side) in enumerate(zip(self.bonds, self.turned, strict=True)):
            angle = np.radians(angles[..., rotor])[..., None, None]
            origin = x[..., k, None, :]
            axis = origin - x[..., j, None, :]
            axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
            legs = x[..., side, :] - origin
            along = (legs * axis).sum(-1, keepdims=True) * axis
            x[..., side, :] = (
                origin + along + np.cos(angle) * (legs - along) + np.sin(angle) * np.cross(axis, legs)
            )
        return x


def torsion_angles(x: np.ndarray, torsions: np.ndarray) -> np.ndarray:
    """Torsions i-j-k-l in degrees, 180 for trans, positive where l lies clockwise of i as one looks along j-k (IUPAC).

    Args:
        x: points, shape (..., N, 3).
        torsions: i, j, k, l of each, int64, shape (R, 4).
    """
    i, j, k, end = (x[..., torsions[:, column], :] for column in range(4))
    axis = k - j
    first, second = np.cross(i - j, axis), np.cross(end - k, axis)
    sin = (np.cross(first, second) * axis).sum(-1) / np.linalg.norm(axis, axis=-1)
    return np.degrees(np.arctan2(sin, (first * second).sum(-1)))


def _side(mol: Chem.Mol, j: int, k: int) -> np.ndarray:
    """Atoms that hang on atom k once its bond to j is cut, bool, shape (N,)."""
    found, waiting = {k}, [k]
    while waiting:
        for neighbour in mol.GetAtomWithIdx(waiting.pop()).GetNeighbors():
            index = neighbour.GetIdx()
            if index not in found and index != j:
                found.add(index)
                waiting.append(index)
    side = np.zeros(mol.GetNumAtoms(), dtype=bool)
    side[list(found)] = True
    return side


def _kind(mol: Chem.Mol, atom: int, other: int) -> int:
    """What hangs on `atom` besides `other`."""
    numbers = [n.GetAtomicNum() for n in mol.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() != other]
    if any(number > 1 for number in numbers):
        return BETWEEN_HEAVY
    return METHYL if len(numbers) == 3 else POLAR


def _ends(mol: Chem.Mol, atom: int, other: int) -> list[int]:
    """The neighbours of `atom` besides `other`, the heaviest first, of equal ones the first."""
    ends = [n for n in mol.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() != other]
    return [end.GetIdx() for end in sorted(ends, key=lambda end: (-end.GetAtomicNum(), end.GetIdx()))]


def _second(mol: Chem.Mol, ends: list[int]) -> int:
    heavy = [end for end in ends[1:2] if mol.GetAtomWithIdx(end).GetAtomicNum() > 1]
    return heavy[0] if heavy else -1
