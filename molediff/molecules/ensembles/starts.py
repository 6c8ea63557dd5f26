"""Starting geometries from which the minima of a molecule are searched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolTransforms

from molediff.molecules.conformers import with_conformers
from molediff.runtime.former import former_names

OWN, ETKDG, TORSIONS, RING_FLIP = "given geometry", "ETKDG", "random torsions", "ring flip"

# Ways of the starts after the given geometry, again and again: embedding alone rarely leaves the torsions it prefers.
_ROUND = (ETKDG, TORSIONS, RING_FLIP, TORSIONS)

# Embeddings that one start may cost: ETKDG gives up on some cages, after ten times their atoms.
_MAX_EMBEDDINGS_FAILED = 3

__getattr__ = former_names(__name__, {"Seed": "Start", "make_seeds": "make_starts"})


class Start(NamedTuple):
    """A starting geometry.

    Attributes:
        positions: coordinates in Angstrom, shape (N, 3).
        source: how it was made: `OWN`, `ETKDG`, `TORSIONS` or `RING_FLIP`.
    """

    positions: np.ndarray
    source: str


def make_starts(mol: Chem.Mol, num_starts: int, seed: int) -> Iterator[Start]:
    """The given geometry, then embeddings, uniformly random torsions and ring flips in turn.

    Random torsions and flips begin from a random one of the earlier geometries. Ways that a molecule does not have (no
    rotor, no ring that can flip, not to be embedded) are left out; without any the given geometry stays alone. The
    first starts of a longer list are those of a shorter one.

    Args:
        mol: explicit hydrogens, stereo, and its own geometry as the first conformer or none.
        num_starts: most starting geometries.
        seed: of the random numbers, any whole number from 0 on.
    """
    random = np.random.default_rng(seed)
    corners, rotors = ring_corners(mol), rotatable_bonds(mol)
    made = [Start(mol.GetConformer().GetPositions(), OWN)] if mol.GetNumConformers() else []
    yield from made
    failed = 0
    for way in itertools.islice(itertools.cycle(_ROUND), 2 * num_starts):
        if len(made) >= num_starts:
            return
        if way == ETKDG or not made:
            if failed >= _MAX_EMBEDDINGS_FAILED:
                continue
            positions = embed(mol, int(random.integers(1, 2**31 - 1)))
            failed = failed + 1 if positions is None else 0
        else:
            former = made[random.integers(len(made))].positions
            if way == RING_FLIP and corners:
                positions = flip_corner(mol, former, corners[random.integers(len(corners))])
            elif rotors:
                way, positions = TORSIONS, turn(mol, former, rotors, random.uniform(-180, 180, len(rotors)))
            else:
                continue
        if positions is not None:
            made.append(Start(positions, ETKDG if len(made) == 0 else way))
            yield made[-1]


def embed(mol: Chem.Mol, seed: int) -> np.ndarray | None:
    """One geometry by ETKDGv3 from random coordinates, (N, 3) in Angstrom; None if RDKit finds none."""
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed
    parameters.useRandomCoords = True
    blank = Chem.Mol(mol)
    if rdDistGeom.EmbedMolecule(blank, parameters) < 0:
        return None
    return blank.GetConformer().GetPositions()


def rotatable_bonds(mol: Chem.Mol) -> list[tuple[int, int, int, int]]:
    """Torsions (a, i, j, b) about single bonds i-j outside rings; those of OH and NH2 count, those of CH3 do not.

    Args:
        mol: explicit hydrogens.
    """
    torsions = []
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtom(), bond.GetEndAtom()
        if bond.IsInRing() or bond.GetBondType() != Chem.BondType.SINGLE:
            continue
        arms = [_arm(end, other) for end, other in (ends, ends[::-1])]
        if None not in arms:
            torsions.append((arms[0], ends[0].GetIdx(), ends[1].GetIdx(), arms[1]))
    return torsions  # type: ignore[return-value]


def _arm(end: Chem.Atom, other: Chem.Atom) -> int | None:
    """A neighbour of `end` whose turning about the bond to `other` changes the molecule; None if it has none."""
    arms = [atom for atom in end.GetNeighbors() if atom.GetIdx() != other.GetIdx()]
    is_top = len(arms) == 3 and all(atom.GetDegree() == 1 for atom in arms)
    if not arms or (is_top and len({atom.GetAtomicNum() for atom in arms}) == 1):
        return None
    return arms[0].GetIdx()


def turn(
    mol: Chem.Mol, positions: np.ndarray, torsions: list[tuple[int, int, int, int]], degrees: np.ndarray
) -> np.ndarray:
    """The geometry with these torsion angles; positions and result (N, 3) in Angstrom."""
    moved = with_conformers(mol, [positions])
    for torsion, angle in zip(torsions, degrees, strict=True):
        rdMolTransforms.SetDihedralDeg(moved.GetConformer(), *torsion, float(angle))
    return moved.GetConformer().GetPositions()


def ring_corners(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Rings (atom, next, ..., previous), each written once from every atom that may flip to the ring's other side.

    Such an atom has four neighbours, or is an amine, and lies in one ring only; the ring has four atoms or more.
    """
    rings = mol.GetRingInfo()
    corners = []
    for ring in rings.AtomRings():
        for place, index in enumerate(ring):
            atom = mol.GetAtomWithIdx(index)
            bends = atom.GetHybridization() == Chem.HybridizationType.SP3
            if len(ring) > 3 and bends and rings.NumAtomRings(index) == 1:
                corners.append(tuple(ring[place:] + ring[:place]))
    return corners


def flip_corner(mol: Chem.Mol, positions: np.ndarray, corner: tuple[int, ...]) -> np.ndarray:
    """Turn one atom of a ring, with what hangs on it, to the other side of the ring.

    The atom and its branches turn about the line through its two neighbours, so that it comes to stand as far below
    the rest of the ring as it stood above. The atom keeps its configuration.

    Args:
        mol: the molecule.
        positions: (N, 3) in Angstrom.
        corner: the ring, from the atom on; see `ring_corners`.

    Source: Goto and Osawa 1989, J. Am. Chem. Soc. 111, 8950 (corner flapping).
    """
    atom, following, *_, previous = corner
    axis = positions[previous] - positions[following]
    axis = axis / np.linalg.norm(axis)
    origin = (positions[following] + positions[previous]) / 2
    out = _across(positions[atom] - origin, axis)
    rest = _across(positions[list(corner[1:])].mean(axis=0) - origin, axis)
    angle = np.arctan2(axis @ np.cross(out, -rest), out @ -rest)
    branch = _branch(mol, atom, {following, previous})
    cosine, sine = np.cos(2 * angle), np.sin(2 * angle)
    arms = positions[branch] - origin
    along = np.outer(arms @ axis, axis)
    flipped = positions.copy()
    flipped[branch] = origin + along + cosine * (arms - along) + sine * np.cross(axis, arms)
    return flipped


def _across(vector: np.ndarray, axis: np.ndarray) -> np.ndarray:
    return vector - (vector @ axis) * axis


def _branch(mol: Chem.Mol, atom: int, barred: set[int]) -> list[int]:
    """`atom` and all that is reached from it without passing an atom of `barred`."""
    found, open_ends = {atom}, [atom]
    while open_ends:
        for neighbour in mol.GetAtomWithIdx(open_ends.pop()).GetNeighbors():
            index = neighbour.GetIdx()
            if index not in found and index not in barred:
                found.add(index)
                open_ends.append(index)
    return sorted(found)
