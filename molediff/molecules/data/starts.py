"""Cheap guesses that lie next to known minima: what a refiner is given in use, paired with what it should make of it.

A guess of distance geometry has bond lengths, angles, rings and planes that are a little off, and torsions that are
off by more. Embedding anew gives the first as they are; the second are set to those of the minimum and then spread.
"""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolTransforms

from molediff.molecules.data.dataset import ConformerDataset
from molediff.molecules.data.twists import turned_onto

# How far torsions move, in degrees, when guesses of ETKDGv3 are minimized: between heavy atoms the quartiles are 3, 10
# and 30 in 150 drug-like molecules, with a long tail; those of hydrogens' groups are as good as random.
_SPREADS, _SHARES = (8.0, 20.0, 40.0), (0.5, 0.35, 0.15)
_METHYL_RANGE, _POLAR_SPREAD = 60.0, 35.0
_ROTATABLE = "[!$(*#*)&!D1]-!@[!$(*#*)&!D1]"
_TRIES = 4
# In degrees: rings that were embedded in another shape than the minimum's have other torsions.
_LARGEST_RING_ERROR, _GOOD_RING_ERROR = 45.0, 25.0
_LARGEST_RMSD = 1.5


def cheap_start(mol: Chem.Mol, random: np.random.Generator) -> np.ndarray | None:
    """A guess next to the minimum that is the conformer of `mol`, (N, 3), turned onto it; None if none was found.

    Atoms that the graph does not tell apart, such as the hydrogens of a methyl group, have the same places about
    their neighbours in both.

    Args:
        mol: explicit hydrogens, one conformer.
        random: of the embedding and of the spread of the torsions.
    """
    minimum = mol.GetConformer().GetPositions()
    rings = _ring_torsions(mol)
    best, least = None, _LARGEST_RING_ERROR
    for _ in range(_TRIES):
        guess = _embedded(mol, int(random.integers(1 << 30)))
        if guess is None:
            return None
        error = _largest_change(guess.GetConformer().GetPositions(), minimum, rings)
        if error < least:
            best, least = guess, error
        if error < _GOOD_RING_ERROR:
            break
    if best is None:
        return None
    spread = random.uniform(0.3, 1.0)
    for _ in range(_TRIES):
        _set_torsions(best, mol.GetConformer(), random, spread)
        x = turned_onto(best.GetConformer().GetPositions(), minimum)
        if not np.isfinite(x).all():
            return None
        if np.sqrt(np.square(x - minimum).sum(1).mean()) < _LARGEST_RMSD:
            return _exchanged(mol, x, minimum)
        spread = spread / 2
    return None


def _embedded(mol: Chem.Mol, seed: int) -> Chem.Mol | None:
    guess = Chem.Mol(mol)
    # Every centre becomes a stereocentre with the hand it has, so that equal neighbours keep their places.
    Chem.AssignAtomChiralTagsFromStructure(guess)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed  # type: ignore[assignment]  # the stubs give it another type
    parameters.timeout = 5  # type: ignore[assignment]
    return guess if rdDistGeom.EmbedMolecule(guess, parameters) == 0 else None


def _ring_torsions(mol: Chem.Mol) -> np.ndarray:
    """Torsions (i, j, k, l) along all rings, int64, shape (n, 4)."""
    rows = {
        tuple(ring[(start + step) % len(ring)] for step in range(4))
        for ring in mol.GetRingInfo().AtomRings()
        if len(ring) > 3
        for start in range(len(ring))
    }
    return np.array(sorted(rows), dtype=np.int64).reshape(-1, 4)


def _largest_change(x: np.ndarray, y: np.ndarray, torsions: np.ndarray) -> float:
    """Largest difference of a torsion, in degrees."""
    if not len(torsions):
        return 0.0
    change = (_angles(x, torsions) - _angles(y, torsions) + 180) % 360 - 180
    return float(np.abs(change).max())


def _angles(x: np.ndarray, torsions: np.ndarray) -> np.ndarray:
    i, j, k, m = (x[column] for column in torsions.T)
    axis = k - j
    left, right = np.cross(i - j, axis), np.cross(m - k, axis)
    along = (np.cross(right, left) * axis).sum(1) / np.linalg.norm(axis, axis=1)
    return np.asarray(np.degrees(np.arctan2(along, (left * right).sum(1))))


def _set_torsions(
    guess: Chem.Mol, minimum: Chem.Conformer, random: np.random.Generator, spread: float
) -> None:
    """Give the guess the minimum's torsions, moved by what they are off in guesses, times `spread`."""
    conformer = guess.GetConformer()
    for j, k in guess.GetSubstructMatches(Chem.MolFromSmarts(_ROTATABLE)):
        ends = [_end(guess, j, k), _end(guess, k, j)]
        if None in ends:
            continue
        (i, left), (m, right) = ends  # type: ignore[misc]
        if left and right:
            change = random.normal() * random.choice(_SPREADS, p=_SHARES)
        elif _is_methyl(guess, j) or _is_methyl(guess, k):
            change = random.uniform(-_METHYL_RANGE, _METHYL_RANGE)
        else:
            change = random.normal() * _POLAR_SPREAD
        angle = rdMolTransforms.GetDihedralDeg(minimum, i, j, k, m)
        try:
            rdMolTransforms.SetDihedralDeg(conformer, i, j, k, m, angle + spread * change)
        except ValueError:  # three atoms in a line have no torsion
            continue


def _end(mol: Chem.Mol, atom: int, other: int) -> tuple[int, bool] | None:
    """A neighbour of `atom` that is not `other`, heavy if there is one, and whether it is."""
    found = [n for n in mol.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() != other]
    if not found:
        return None
    first = max(found, key=lambda n: n.GetAtomicNum())
    return first.GetIdx(), first.GetAtomicNum() > 1


def _is_methyl(mol: Chem.Mol, atom: int) -> bool:
    return sum(n.GetAtomicNum() == 1 for n in mol.GetAtomWithIdx(atom).GetNeighbors()) == 3


def _exchanged(mol: Chem.Mol, x: np.ndarray, minimum: np.ndarray) -> np.ndarray:
    """`x` with the two hydrogens of groups such as NH2 in each other's place if that is nearer."""
    x = x.copy()
    for atom in mol.GetAtoms():
        hydrogens = [n.GetIdx() for n in atom.GetNeighbors() if n.GetAtomicNum() == 1]
        if len(hydrogens) != 2 or atom.GetDegree() != 3:
            continue
        near = [atom.GetIdx(), *(n.GetIdx() for n in atom.GetNeighbors() if n.GetAtomicNum() > 1)]
        near += [m.GetIdx() for n in atom.GetNeighbors() for m in n.GetNeighbors() if m.GetIdx() not in near]
        near = [i for i in near if i not in hydrogens]
        local = x - x[near].mean(0)
        target = minimum - minimum[near].mean(0)
        rotation = _rotation(local[near], target[near])
        places = local[hydrogens] @ rotation.T
        straight = np.square(places - target[hydrogens]).sum()
        crossed = np.square(places[::-1] - target[hydrogens]).sum()
        if crossed < straight:
            x[hydrogens] = x[hydrogens[::-1]]
    return x


def _rotation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The proper rotation that takes the centred points x (n, 3) nearest to y."""
    u, _, vt = np.linalg.svd(y.T @ x)
    sign = np.sign(np.linalg.det(u @ vt))
    return np.asarray(u @ np.diag([1.0, 1.0, sign]) @ vt)


def cheap_starts(minima: ConformerDataset, indices: np.ndarray, seed: int = 0) -> list[np.ndarray | None]:
    """`cheap_start` of the minima `indices`; each depends on the seed and on its index alone."""
    return [
        cheap_start(minima.mol(int(i)), np.random.default_rng((seed, int(minima.conformers[i]))))
        for i in indices
    ]
