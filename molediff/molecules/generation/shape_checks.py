"""Rules for ring fusions and for atoms with many pairs of electrons, which no range of `checks` tells."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from rdkit import Chem

from molediff.molecules.perception import internal_coordinates
from molediff.molecules.perception.hypervalent import hypervalent
from molediff.molecules.perception.kinds import Kinds
from molediff.molecules.perception.ranges import Ranges


class RingFusion:
    """Rings of three that share a bond with one of up to five, and rings of four with one of four, do so *cis*.

    What hangs on the two atoms that they share lies on one side, if these are in no third ring. The trans isomers of
    bicyclo[3.1.0]hexane and its like lie some 70 kcal/mol higher, with bonds and angles that each by themselves could
    be. Where stereo is open, distance geometry makes them.

    Args:
        mol: sanitized, explicit hydrogens.
        kinds, ranges: not needed.

    Attributes:
        atoms: of each such bond a neighbour outside of the rings, both ends, and the other neighbour, (fusions, 4).
    """

    name = "ring_fusion"
    remedy = ""

    def __init__(self, mol: Chem.Mol, kinds: Kinds | None = None, ranges: Ranges | None = None):
        rings = [set(ring) for ring in mol.GetRingInfo().AtomRings() if len(ring) <= _LARGEST_CIS]
        found = []
        for one, other in combinations(sorted(rings, key=len), 2):
            shared = one & other
            if len(shared) != 2 or (len(one), len(other)) not in _CIS:
                continue
            i, j = sorted(shared)
            if any(mol.GetRingInfo().NumAtomRings(atom) > 2 for atom in (i, j)):
                continue  # a cage may force it
            ends = [
                [n.GetIdx() for n in mol.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() not in one | other]
                for atom in (i, j)
            ]
            if [len(mine) for mine in ends] == [1, 1] and mol.GetBondBetweenAtoms(i, j) is not None:
                found.append((ends[0][0], i, j, ends[1][0]))
        self.atoms = np.array(found, dtype=np.int64).reshape(-1, 4)

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether all are cis, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        is_trans = internal_coordinates.dihedral(x, self.atoms) > MOST_CIS
        return np.asarray(~is_trans.any(axis=1))


MOST_CIS = 90.0
"""Between what hangs on the two atoms, in degrees."""
_CIS = ((3, 3), (3, 4), (3, 5), (4, 4))
_LARGEST_CIS = 5


class Coordination:
    """Atoms with five and six pairs of electrons have as many neighbours in a line as these pairs leave.

    An atom with a coordinate of NaN is left out: what is not known is not wrong.

    Args:
        mol: sanitized, explicit hydrogens.
        kinds, ranges: not needed.

    Attributes:
        atoms: those that have so many pairs.
    """

    name = "coordination"
    remedy = ""

    def __init__(self, mol: Chem.Mol, kinds: Kinds | None = None, ranges: Ranges | None = None):
        self.atoms = hypervalent(mol)

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether the neighbours of each lie so, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        return np.asarray(~self.wrong(x).any(axis=1))

    def wrong(self, x: np.ndarray) -> np.ndarray:
        """Which atoms, in the order of `atoms`, have them elsewhere, bool, shape (n, atoms)."""
        wrong = np.zeros((len(x), len(self.atoms)), dtype=bool)
        for place, found in enumerate(self.atoms):
            angles = [(i, found.atom, j) for i, j in combinations(found.neighbours, 2)]
            values = internal_coordinates.angle(x, np.array(angles, dtype=np.int64))
            in_line = (values > (LINE_IN_RING if found.in_ring else LINE)).sum(1) >= found.num_opposite
            # A ring may hold five neighbours in a square pyramid.
            most = found.num_opposite + (found.in_ring and len(found.neighbours) == 5)
            right = in_line & ((values > NOT_IN_LINE).sum(1) <= most)
            aside = np.array([found.across in (i, j) for i, _, j in angles])
            right &= ~(values[:, aside] > ASIDE).any(axis=1)
            wrong[:, place] = ~(right | np.isnan(values).any(axis=1))
        return wrong


LINE, LINE_IN_RING = 150.0, 140.0
"""From which angle on two neighbours lie opposite each other, in degrees."""
ASIDE = 120.0
"""Up to which an aryl group on iodine may lie from its other neighbours: 90 where nothing bends them."""
NOT_IN_LINE = 140.0
"""Up to which the others may lie apart: 120 at a trigonal bipyramid."""
