"""Structures around atoms that are held: what hangs on these goes where they are, and they are not turned apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from rdkit import Chem
from rdkit.Geometry import Point3D

from molediff.core.geometry.kabsch import kabsch
from molediff.molecules.torsion_prior import TorsionDistribution

# How much its own atom and those in no piece with it count in where a bond lies, against the neighbours.
_WEIGHT_OF_ANCHOR, _WEIGHT_OF_OTHERS = 10.0, 0.01
_LEAST_WIDTH = 0.3  # Angstrom
_STILL = 1e-3  # Angstrom: of points that are not moved, which decide where nothing else does
# By how much, in Angstrom, held atoms must fit a mirror image better before they are taken to lie in it.
_MIRROR_MARGIN = 0.1


@dataclass(frozen=True)
class _Frame:
    """Held atoms (F,) around a bond to what is free, and how much each counts in where that lies, shape (F,)."""

    atoms: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class _FreePart:
    """Free atoms (M,) that hang together, the frames of their bonds to held ones, and how much each atom, (B, M, 1),
    follows each of these."""

    atoms: np.ndarray
    frames: list[_Frame]
    shares: np.ndarray


class Graft:
    """Puts the held atoms of structures where they belong to each other, and what is free where it hangs on them.

    What hangs on them by one bond moves as a rigid body: lengths and angles there stay as they were, whatever torsions
    the structure had among the held atoms. What hangs on them by several bends between these.

    Args:
        mol: explicit hydrogens.
        atoms: those that are held, int64, shape (K,).
        positions: theirs, in Angstrom, shape (K, 3).
    """

    def __init__(self, mol: Chem.Mol, atoms: np.ndarray, positions: np.ndarray):
        self._mol, self._atoms, self._positions = mol, atoms, positions
        self._held = set(atoms.tolist())
        self._distances = Chem.GetDistanceMatrix(mol)
        self._parts = [self._part(part) for part in self._free_parts()]

    @property
    def is_closed(self) -> bool:
        """Whether something hangs on the held atoms by more than one bond, as a ring or the link of two cores does."""
        return any(len(part.frames) > 1 for part in self._parts)

    @property
    def held(self) -> list[int]:
        """The held atoms."""
        found: list[int] = self._atoms.tolist()
        return found

    @property
    def coordinates(self) -> dict[int, Point3D]:
        """Of the held atoms, in Angstrom."""
        points = (Point3D(*map(float, point)) for point in self._positions)
        return dict(zip(self.held, points, strict=True))

    def onto(self, x: np.ndarray) -> np.ndarray:
        """Structures (n, N, 3) in Angstrom with the held atoms as they should lie to each other; NaN stays NaN.

        All of the held atoms together go where they fit theirs best.
        """
        x = np.array(x, dtype=np.float64)
        good = np.isfinite(x).all(axis=(1, 2))
        before, after = x[good], x[good]
        held = np.broadcast_to(self._positions, (len(before), *self._positions.shape))
        after[:, self._atoms] = _laid(held, before[:, self._atoms], np.ones(len(self._atoms)), held)
        for part in self._parts:
            moved = [
                _laid(before[:, frame.atoms], after[:, frame.atoms], frame.weights, before[:, part.atoms])
                for frame in part.frames
            ]
            after[:, part.atoms] = (np.stack(moved, axis=1) * part.shares).sum(1)
        x[good] = after
        return x

    def is_mirrored(self, x: np.ndarray) -> np.ndarray:
        """Whether the held atoms of structures (n, N, 3) lie as in a mirror, bool, shape (n,)."""
        return self._misfit(-x) + _MIRROR_MARGIN < self._misfit(x)

    def _misfit(self, x: np.ndarray) -> np.ndarray:
        """Of the held atoms laid on how they should lie, root mean square in Angstrom, shape (n,)."""
        theirs = np.nan_to_num(x[:, self._atoms])
        held = np.broadcast_to(self._positions, theirs.shape)
        laid = _laid(held, theirs, np.ones(len(self._atoms)), held)
        return np.sqrt(((laid - theirs) ** 2).sum(-1).mean(-1))

    def held_torsions(self, distribution: TorsionDistribution) -> TorsionDistribution:
        """A distribution of torsions in which those are not turned that would turn held atoms against each other."""
        rotors, held = distribution.rotors, np.zeros(self._mol.GetNumAtoms(), dtype=bool)
        held[self._atoms] = True
        on_axis = np.zeros_like(rotors.turned)
        np.put_along_axis(on_axis, rotors.bonds, True, axis=1)
        beside = held & ~on_axis
        torn = (beside & rotors.turned).any(1) & (beside & ~rotors.turned).any(1)
        return replace(distribution, still=tuple(np.flatnonzero(torn).tolist()))

    def _free_parts(self) -> list[list[int]]:
        left = Chem.RWMol(self._mol)
        left.BeginBatchEdit()
        for begin, end in self._ends(self._mol.GetBonds()):
            if {begin, end} & self._held:
                left.RemoveBond(begin, end)
        left.CommitBatchEdit()
        pieces = Chem.GetMolFrags(left.GetMol(), sanitizeFrags=False)
        return [list(piece) for piece in pieces if piece[0] not in self._held]

    def _part(self, atoms: list[int]) -> _FreePart:
        own = set(atoms)
        bonds = [
            (inner, outer)
            for ends in self._ends(self._mol.GetBonds())
            for inner, outer in (ends, ends[::-1])
            if inner in own and outer in self._held
        ]
        near = np.stack([self._distances[outer, atoms] for _, outer in bonds]) ** -2.0
        shares = near / near.sum(0)
        return _FreePart(np.array(atoms), [self._frame(outer) for _, outer in bonds], shares[:, :, None])

    def _frame(self, atom: int) -> _Frame:
        """Around a held atom that something free is bonded to: the nearest along the bonds, until they have a plane."""
        weights, shell = {atom: _WEIGHT_OF_ANCHOR}, [atom]
        while shell and not self._has_plane(list(weights)):
            bonded = (n.GetIdx() for one in shell for n in self._mol.GetAtomWithIdx(one).GetNeighbors())
            shell = sorted({other for other in bonded if other in self._held and other not in weights})
            weights |= dict.fromkeys(shell, 1.0)
        if not self._has_plane(list(weights)):  # a core in pieces: the others tell how it lies
            weights |= {other: _WEIGHT_OF_OTHERS for other in self.held if other not in weights}
        return _Frame(np.array(list(weights), dtype=np.int64), np.array(list(weights.values())))

    def _has_plane(self, atoms: list[int]) -> bool:
        """Whether held atoms lie on no line, so that they tell how what is bonded to them lies."""
        x = self._positions[np.isin(self._atoms, atoms)]
        return len(x) > 2 and bool(np.linalg.svd(x - x.mean(0), compute_uv=False)[1] > _LEAST_WIDTH)

    @staticmethod
    def _ends(bonds: Iterable[Chem.Bond]) -> list[tuple[int, int]]:
        return [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds]


def _laid(x: np.ndarray, y: np.ndarray, weights: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (n, M, 3) moved as those x (n, F, 3) are to fit y (n, F, 3) best with weights (F,).

    About a line on which all of x lie, nothing is turned that need not be.
    """
    share = (weights / weights.sum())[:, None]
    here, there = (x * share).sum(1, keepdims=True), (y * share).sum(1, keepdims=True)
    still = np.broadcast_to(_STILL * np.concatenate([np.eye(3), -np.eye(3)]), (len(x), 6, 3))
    before, after = np.concatenate([(x - here) * share, still], 1), np.concatenate([y - there, still], 1)
    rotation = kabsch(torch.from_numpy(before), torch.from_numpy(after)).numpy()
    return (points - here) @ rotation.swapaxes(1, 2) + there
