"""Internal coordinates of many conformers at once: lengths, angles, heights, volumes, twists, bends.

Every function takes coordinates x (n, N, 3) in Angstrom and indices of atoms (terms, atoms of a term) as
`perception.kinds` gives them, and returns one number for each term, (n, terms). NaN comes out where NaN went in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from molediff.molecules.perception.kinds import Kinds, Terms


def length(x: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Distance of two atoms in Angstrom."""
    difference = x[:, atoms[:, 0]] - x[:, atoms[:, 1]]
    return np.sqrt(np.einsum("ntk,ntk->nt", difference, difference))


def angle(x: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Angle i-j-k in degrees, 0 to 180."""
    centre = x[:, atoms[:, 1]]
    a, c = x[:, atoms[:, 0]] - centre, x[:, atoms[:, 2]] - centre
    dot = np.einsum("ntk,ntk->nt", a, c)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = dot / np.sqrt(np.einsum("ntk,ntk->nt", a, a) * np.einsum("ntk,ntk->nt", c, c))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


class Bend:
    """How far the angles about an atom are off what is usual there, all of them together: root mean square, in degrees.

    An atom that leans away from where its neighbours hold it has several angles that are odd, none of them so odd by
    itself that no other molecule has it.

    Args:
        kinds: of the atoms of the molecule.
        usual: from the names of angles to what these are in the mean, in degrees, NaN where nothing is known; an atom
            with such an angle is not judged.

    Attributes:
        terms: the atoms that are judged, those with three and four neighbours.
    """

    def __init__(self, kinds: Kinds, usual: Callable[[Sequence[tuple[str, ...]]], np.ndarray]):
        self.terms = kinds.bends()
        angles = kinds.angles()  # those about one atom stand next to each other
        chosen = np.flatnonzero(np.isin(angles.atoms[:, 1], self.terms.atoms[:, 0])).tolist()
        self._atoms, self._usual = angles.atoms[chosen], usual([angles.names[k] for k in chosen])
        _, self._first, self._num = np.unique(self._atoms[:, 1], return_index=True, return_counts=True)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The values of all terms, shape (n, terms); x: in Angstrom, shape (n, N, 3)."""
        if not len(self._atoms):
            return np.zeros((len(x), 0))
        off = angle(x, self._atoms) - self._usual
        return np.asarray(np.sqrt(np.add.reduceat(off**2, self._first, axis=1) / self._num))


def height(x: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """How far an atom lies from the plane of its three neighbours, in Angstrom."""
    corner = x[:, atoms[:, 1]]
    normal = _cross(x[:, atoms[:, 2]] - corner, x[:, atoms[:, 3]] - corner)
    with np.errstate(invalid="ignore", divide="ignore"):
        above = np.einsum("ntk,ntk->nt", x[:, atoms[:, 0]] - corner, normal) / _norm(normal)
    return np.abs(above)


def enclosure(x: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """How well four neighbours enclose an atom: the smallest of the four volumes that three directions span.

    0.77 at a regular tetrahedron, 0 with three neighbours in one plane with the atom, below 0 if all four lie on one
    side of it. The volumes are counted with the sign of the tetrahedron of the four.
    """
    arms = x[:, atoms[:, 1:]] - x[:, atoms[:, :1]]
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q, r, s = (arm / _norm(arm)[..., None] for arm in np.moveaxis(arms, 2, 0))
    across, along = _cross(r, s), _cross(p, q)
    faces = np.stack([_dot(q, across), -_dot(p, across), _dot(s, along), -_dot(r, along)])
    # The four sum to the volume of the tetrahedron that the directions end on.
    return (faces * np.sign(faces.sum(0))).min(0)


def twist(x: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Angle between the planes of the two ends of a bond or a chain, in degrees, 0 to 90; cis and trans are both 0.

    The plane of an end with two neighbours is that of the line between them: a pyramid does not count as a twist.

    Args:
        x: coordinates.
        atoms: two neighbours of the first end (the second -1 if it has one alone), both ends, two of the last one.
    """
    begin, end = x[:, atoms[:, 2]], x[:, atoms[:, 3]]
    axis = end - begin
    with np.errstate(invalid="ignore", divide="ignore"):
        axis = axis / _norm(axis)[..., None]
    first = _across(x, begin, atoms[:, 0], atoms[:, 1], axis)
    last = _across(x, end, atoms[:, 4], atoms[:, 5], axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.abs(_dot(first, last)) / (_norm(first) * _norm(last))
    return np.degrees(np.arccos(np.clip(cosine, 0, 1)))


def torsion(x: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """How far the neighbour that lies farthest out of the plane of the other end does, in degrees, 0 to 90.

    Of the torsions about a bond or a chain, the one that is farthest from 0 and from 180. An end that is a pyramid has
    the other two neighbours on either side of the plane, where `twist` says nothing.

    Args:
        x: coordinates.
        atoms: as those of `twist`.
    """
    begin, end = x[:, atoms[:, 2]], x[:, atoms[:, 3]]
    with np.errstate(invalid="ignore", divide="ignore"):
        axis = (end - begin) / _norm(end - begin)[..., None]
    first = [(k, _unit_across(x[:, atoms[:, k]] - begin, axis)) for k in (0, 1)]
    last = [(k, _unit_across(x[:, atoms[:, k]] - end, axis)) for k in (4, 5)]
    least = np.ones((len(x), len(atoms)))
    for i, leg in first:
        for j, other in last:
            is_there = (atoms[:, i] >= 0) & (atoms[:, j] >= 0)
            least = np.where(is_there, np.minimum(least, np.abs(_dot(leg, other))), least)
    return np.degrees(np.arccos(np.clip(least, 0, 1)))


def dihedral(x: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Dihedral angle i-j-k-l without its sign, in degrees: cis is 0, trans 180."""
    begin, end = x[:, atoms[:, 1]], x[:, atoms[:, 2]]
    with np.errstate(invalid="ignore", divide="ignore"):
        axis = (end - begin) / _norm(end - begin)[..., None]
    cosine = _dot(_unit_across(x[:, atoms[:, 0]] - begin, axis), _unit_across(x[:, atoms[:, 3]] - end, axis))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def _across(
    x: np.ndarray, end: np.ndarray, one: np.ndarray, other: np.ndarray, axis: np.ndarray
) -> np.ndarray:
    leg = _unit_across(x[:, one] - end, axis)
    if (other < 0).all():
        return leg
    second = _unit_across(x[:, other] - end, axis)
    return np.where((other < 0)[:, None], leg, leg - second)


def _unit_across(arm: np.ndarray, axis: np.ndarray) -> np.ndarray:
    across = arm - _dot(arm, axis)[..., None] * axis
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(across / _norm(across)[..., None])


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ntk,ntk->nt", a, b))


def _norm(a: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.einsum("ntk,ntk->nt", a, a)))


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As np.cross, which takes five times as long."""
    x, y, z = np.moveaxis(a, -1, 0)
    u, v, w = np.moveaxis(b, -1, 0)
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)


SORTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "bond_length": length,
    "angle": angle,
    "planarity": height,
    "enclosure": enclosure,
    "twist": twist,
    "torsion": torsion,
    "cumulene": twist,
}
"""What is looked at in a molecule, and the function that gives its values; `Bend` needs to know more."""


def terms_of(kinds: Kinds, sort: str) -> Terms:
    """All terms of one sort of `SORTS` in a molecule."""
    if sort in ("planarity", "enclosure"):
        return kinds.centres(3 if sort == "planarity" else 4)
    return {
        "bond_length": kinds.lengths,
        "angle": kinds.angles,
        "twist": kinds.twists,
        "torsion": kinds.twists,
        "cumulene": kinds.cumulenes,
    }[sort]()
