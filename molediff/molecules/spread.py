"""Conformers chosen from a pool by heavy-atom RMSD: far from each other, or near to all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rdkit import Chem

from molediff.molecules.conformers import with_conformers
from molediff.runtime.checks import check_whole_number

MAX_MAPPINGS = 128
"""Most symmetric mappings of atoms tried for one pair. Seven independent phenyl flips, or a tert-butyl, a CF3 and a
phenyl, have no more; beyond it a distance is an upper bound."""

# Newton's method on the quartic converges quadratically but for linear molecules, whose largest root is double.
_MAX_ITERATIONS = 60
# In units of the bound; in single precision no more is to be had, and the distances that matter are right to 1e-3.
_PRECISION = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 1e-4}
_LEAST_SLOPE = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-3}
_PAIRS_AT_ONCE = 8_000  # of conformers, whose numbers a cache holds

# The two ends of a carboxylate or a nitro group are one kind: as RDKit's `symmetrizeConjugatedTerminalGroups`.
_TERMINAL = Chem.MolFromSmarts("[O,N;D1;$([O,N;D1]-[*]=[O,N;D1]),$([O,N;D1]=[*]-[O,N;D1])]~[*]")


def select_spread(
    mol: Chem.Mol, num: int, energies: np.ndarray | None = None, max_mappings: int = MAX_MAPPINGS
) -> Chem.Mol:
    """A copy of `mol` with `num` of its conformers that lie far from each other.

    The first is the one of lowest energy, or the first of `mol` without energies; each further one is that whose
    nearest chosen neighbour is farthest (Gonzalez 1985, at most twice the best covering radius). So the first k of
    them are what would be chosen for k.

    Args:
        mol: conformers of one molecule, hydrogens do not count.
        num: how many; all of them if there are no more.
        energies: of the conformers, shape (n,); NaN is none.
        max_mappings: see `MAX_MAPPINGS`.

    Raises:
        ValueError: num is no whole number of at least 1.

    Example:
        >>> from rdkit.Chem import AddHs, MolFromSmiles, rdDistGeom
        >>> mol = AddHs(MolFromSmiles("CCCCCO"))
        >>> _ = rdDistGeom.EmbedMultipleConfs(mol, 20, randomSeed=7)
        >>> select_spread(mol, 5).GetNumConformers()
        5
    """
    num = check_whole_number("num", num, least=1)
    if mol.GetNumConformers() == 0:
        return Chem.Mol(mol)
    chosen = spread_order(mol, num, energies, max_mappings)
    conformers = list(mol.GetConformers())
    return with_conformers(mol, [conformers[i].GetPositions() for i in chosen])


def select_coverage(mol: Chem.Mol, num: int, max_mappings: int = MAX_MAPPINGS) -> Chem.Mol:
    """A copy of `mol` with `num` of its conformers, to which the others are near; see `representatives`.

    Args:
        mol, num, max_mappings: see `select_spread`.

    Raises:
        ValueError: num is below 1.
    """
    check_whole_number("num", num, least=1)
    if mol.GetNumConformers() == 0:
        return Chem.Mol(mol)
    conformers = list(mol.GetConformers())
    chosen = coverage_order(mol, num, max_mappings)
    return with_conformers(mol, [conformers[i].GetPositions() for i in chosen])


def spread_order(
    mol: Chem.Mol,
    num: int,
    energies: np.ndarray | None = None,
    max_mappings: int = MAX_MAPPINGS,
    out_of_time: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """Positions of the conformers that `select_spread` takes, in its order, int64, shape (at most num,).

    Args:
        mol, num, energies, max_mappings: see `select_spread`; at least one conformer.
        out_of_time: asked before each choice; once it says yes, what is not chosen is left.
    """
    start = 0
    if energies is not None and not np.isnan(energies).all():
        start = int(np.nanargmin(energies))
    distances = ConformerDistances(mol, max_mappings)
    return farthest_points(distances.to_all, mol.GetNumConformers(), num, start, out_of_time)


def farthest_points(
    distances: Callable[[int], np.ndarray],
    num_points: int,
    num: int,
    start: int = 0,
    out_of_time: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """Greedy max-min choice of `num` of `num_points` points, in order, int64; of equal ones the first.

    Args:
        distances: from the position of a point to its distances to all, shape (num_points,).
        num_points: how many there are.
        num: how many to choose.
        start: the first choice.
        out_of_time: see `spread_order`.

    Source: Gonzalez 1985, "Clustering to minimize the maximum intercluster distance".
    """
    chosen = [start]
    nearest = np.full(num_points, np.inf)
    while len(chosen) < min(num, num_points) and not out_of_time():
        nearest = np.minimum(nearest, distances(chosen[-1]))
        nearest[chosen] = -np.inf  # never twice, also among equals
        chosen.append(int(nearest.argmax()))
    return np.array(chosen, dtype=np.int64)


def coverage_order(
    mol: Chem.Mol,
    num: int,
    max_mappings: int = MAX_MAPPINGS,
    out_of_time: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """Positions of `num` conformers to which the others are near, in the order of the choice; see `representatives`.

    Args:
        mol, num, max_mappings, out_of_time: see `spread_order`.
    """
    distances = ConformerDistances(mol, max_mappings)
    return representatives(distances.matrix(), num, out_of_time)


def representatives(
    distances: np.ndarray,
    num: int,
    out_of_time: Callable[[], bool] = lambda: False,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Greedy choice of `num` points that makes the mean square of the distances to the nearest chosen one least.

    If another point is drawn from where these came from, one of those chosen is likely to be near it; farthest points
    choose the odd ones out instead. Each choice lessens the sum the most, of equal ones the first (at least 1 - 1/e of
    what the best choice would lessen it by: Nemhauser, Wolsey and Fisher 1978).

    Args:
        distances: of all pairs, shape (n, n).
        num: how many to choose.
        out_of_time: see `spread_order`.
        weights: how much each of the points counts that are to be near to a chosen one, shape (n,); None: the same.

    Returns:
        Positions, int64, shape (at most num,).
    """
    squares = distances**2
    weights = np.ones(len(squares)) if weights is None else weights
    nearest = np.full(len(squares), squares.max(initial=0.0))
    chosen: list[int] = []
    while len(chosen) < min(num, len(squares)) and not (chosen and out_of_time()):
        gain = np.maximum(nearest - squares, 0) @ weights
        gain[chosen] = -1
        chosen.append(int(gain.argmax()))
        nearest = np.minimum(nearest, squares[chosen[-1]])
    return np.array(chosen, dtype=np.int64)


def crowding(distances: np.ndarray, width: float) -> np.ndarray:
    """How many points are near to each, itself among them: sum over all of exp(-(d / width)^2), shape (n,).

    Args:
        distances: of all pairs, shape (n, n).
        width: how near, in the unit of the distances.
    """
    return np.asarray(np.exp(-((distances / width) ** 2)).sum(axis=1))


class ConformerDistances:
    """Heavy-atom RMSD between the n conformers of a molecule, as `molecules.rmsd.heavy_atom_rmsd` has it.

    Args:
        mol: conformers; hydrogens are left out (unless there is nothing else).
        max_mappings: most symmetric mappings tried for a pair.
        dtype: float64, or float32 in half the time, where alike conformers may come out up to 0.01 Angstrom apart.
    """

    def __init__(
        self, mol: Chem.Mol, max_mappings: int = MAX_MAPPINGS, dtype: type[np.floating] = np.float64
    ):
        heavy = Chem.RemoveHs(mol)
        self.mappings = symmetric_mappings(heavy, max_mappings)
        x = np.stack([conformer.GetPositions() for conformer in heavy.GetConformers()])
        self._x = (x - x.mean(axis=1, keepdims=True)).astype(dtype)
        self._size = (self._x**2).sum(axis=(1, 2))
        self._by_axis = np.ascontiguousarray(self._x.transpose(2, 1, 0))  # (3, N, n)

    def to_all(self, i: int) -> np.ndarray:
        """RMSD of conformer i to each in Angstrom, shape (n,); 0 to itself."""
        rmsd = self._between(slice(i, i + 1), 0)[0]
        rmsd[i] = 0.0
        return rmsd

    def matrix(self) -> np.ndarray:
        """All pairs, shape (n, n)."""
        n = len(self._x)
        distances = np.zeros((n, n))
        step = max(1, _PAIRS_AT_ONCE // (n * len(self.mappings)))
        for start in range(0, n, step):
            rows = slice(start, min(start + step, n))
            distances[rows, start:] = self._between(rows, start)
        upper = np.triu(distances, 1)
        return np.asarray(upper + upper.T)

    def _between(self, rows: slice, first: int) -> np.ndarray:
        """RMSD of the conformers `rows` to those from number `first` on, shape (rows, n - first)."""
        n, num_atoms, num_rows = len(self._x) - first, self._x.shape[1], rows.stop - rows.start
        mapped = self._x[rows][:, self.mappings].transpose(3, 0, 1, 2).reshape(-1, num_atoms)
        # Inner products of all mappings of the rows with all conformers, one axis of these after the other.
        products = np.stack([mapped @ axis[:, first:] for axis in self._by_axis]).reshape(
            3, 3, num_rows, -1, n
        )
        sizes = (self._size[rows, None] + self._size[first:]) / 2
        overlap = largest_overlap(products.transpose(2, 3, 4, 1, 0), sizes[:, None]).max(axis=1)
        return np.asarray(np.sqrt(np.maximum(2 * (sizes - overlap), 0) / num_atoms))


def largest_overlap(products: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """max over proper rotations R of trace(R^T H), shape (...,): the largest root of a quartic, by Newton's method.

    With the signed singular values s of H the roots are s1 + s2 + s3, s1 - s2 - s3, ..., so that the quartic is
    z^4 - 2 a z^2 - 8 d z + a^2 - 4 e, where a = tr(H^T H), e is the sum of the principal minors of H^T H and d = det H.
    All roots are real: from above, Newton's steps go down to the largest one and never past it.

    Args:
        products: H = sum over atoms of x y^T, shape (..., 3, 3), in Angstrom^2.
        bound: not below the root, of a shape that goes with (...,): (|x|^2 + |y|^2) / 2.

    Source: Theobald 2005, "Rapid calculation of RMSDs using a quaternion-based characteristic polynomial".
    """
    h = [[np.ascontiguousarray(products[..., row, column]) for column in range(3)] for row in range(3)]
    columns = list(zip(*h, strict=True))
    xx, yy, zz, xy, xz, yz = (
        sum(left * right for left, right in zip(columns[i], columns[j], strict=True))
        for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
    )
    a: Any = xx + yy + zz
    minors: Any = xx * yy - xy * xy + xx * zz - xz * xz + yy * zz - yz * yz
    d = (
        h[0][0] * (h[1][1] * h[2][2] - h[1][2] * h[2][1])
        - h[0][1] * (h[1][0] * h[2][2] - h[1][2] * h[2][0])
        + h[0][2] * (h[1][0] * h[2][1] - h[1][1] * h[2][0])
    )
    twice, four, eight, constant = 2 * a, 4 * a, 8 * d, a * a - 4 * minors
    z: Any = np.minimum(bound, np.sqrt(3 * a))  # (s1 + s2 + s3)^2 is at most 3 a
    # At a multiple root value and slope both vanish: rounding must not throw a step far away.
    precision = _PRECISION[z.dtype] * bound
    least_slope = np.maximum(
        _LEAST_SLOPE[z.dtype] * bound**3, np.finfo(z.dtype).tiny
    )  # of a single point too
    for _ in range(_MAX_ITERATIONS):
        square = z * z
        value = ((square - twice) * z - eight) * z + constant
        slope = (4 * square - four) * z - eight
        # Above the largest root the slope is positive: where it is not, rounding has led past it.
        step = np.where(slope > 0, np.maximum(value, 0) / np.maximum(slope, least_slope), 0)
        z -= step
        if (step <= precision).all():
            break
    return np.asarray(z)


def symmetric_mappings(mol: Chem.Mol, max_mappings: int = MAX_MAPPINGS) -> np.ndarray:
    """Renumberings that leave the graph of `mol` as it is, int64, shape (M, N), the identity first.

    The two ends of a carboxylate or a nitro group count as equal.

    Args:
        mol: without the hydrogens that are not to count.
        max_mappings: most of them; then some are missing.
    """
    plain = Chem.RWMol(mol)
    plain.RemoveAllConformers()
    for terminal, centre in mol.GetSubstructMatches(_TERMINAL, maxMatches=1000):
        plain.GetAtomWithIdx(terminal).SetFormalCharge(0)
        plain.GetBondBetweenAtoms(terminal, centre).SetBondType(Chem.BondType.SINGLE)
    found = plain.GetSubstructMatches(plain.GetMol(), uniquify=False, maxMatches=max_mappings)
    identity = tuple(range(mol.GetNumAtoms()))
    others = [mapping for mapping in found if mapping != identity]
    return np.array([identity, *others][:max_mappings], dtype=np.int64).reshape(-1, len(identity))
