"""What structures are put together from: conformations of the pieces of a molecule."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from rdkit import Chem

from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.generation.embedding import Embedding
from molediff.molecules.generation.fragments import Fragment, fragments, has_macrocycle
from molediff.molecules.pieces import Pieces
from molediff.molecules.torsion_prior import Clashes, TorsionDistribution


class PiecePool:
    """A few embeddings of a molecule, and many of each of its rings that bend.

    Args:
        embedding: of the molecule.
        distribution: of its torsions.
        pieces, clashes: of the molecule.
        num_conformers: conformers asked for.
        field: MMFF94s of the molecule, or None.
        init: "crystal" or "minima".

    Attributes:
        x: structures, shape (K, N, 3): first embeddings of the whole molecule; none where these fail.
        rows: for each piece those of them to take it from.
    """

    # Of the whole molecule: where macrocycles or open stereo make a difference, and elsewhere.
    LEAST_EMBEDDINGS, LEAST_OF_RIGID = 6, 2
    LEAST_OF_CLOSED = 20  # around held atoms that close rings with the others
    # Of a ring by itself, for each conformer asked for, but fewer of large ones, whose embeddings take longer.
    EACH: ClassVar = {"crystal": 1 / 2, "minima": 1.0}
    LEAST, MOST = 6, 64
    SIZE = 16
    DRAWS = 3
    # Evaluations of MMFF94s, for rings and the bonds beside them: they are in all that is made of these.
    RELAXATION = 6

    def __init__(
        self,
        embedding: Embedding,
        distribution: TorsionDistribution,
        pieces: Pieces,
        clashes: Clashes,
        num_conformers: int,
        field: MMFF | None,
        init: str,
    ):
        self._embedding, self._distribution, self._num = embedding, distribution, num_conformers
        self._pieces, self._clashes = pieces, clashes
        self._field, self._init = field, init
        self.x, self.rows = self._pool()

    @property
    def _is_closed(self) -> bool:
        graft = self._embedding.graft
        return graft is not None and graft.is_closed

    def _embedded(self) -> np.ndarray:
        """Structures (K, N, 3) of the whole molecule to take pieces from."""
        mol, embedding = self._embedding.prepared.mol, self._embedding
        num = self.LEAST_EMBEDDINGS if differs_beyond_rotors(mol) else self.LEAST_OF_RIGID
        num = self.LEAST_OF_CLOSED if self._is_closed else num
        num, seed = min(self._num, num), embedding.random_seed(0, 0)
        is_whole = has_macrocycle(mol) or self._is_closed
        x = embedding.embed(num, seed) if is_whole else embedding.embed_heavy(num, seed)
        return x[np.isfinite(x).all(axis=(1, 2))]

    def _pool(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """Structures (K, N, 3), and for each piece which of them to take it from: its own conformations."""
        base, random = self._embedded(), self._embedding.random(0, 0)
        mol, rows = self._embedding.prepared.mol, [np.arange(len(base)) for _ in range(len(self._pieces))]
        made = [base]
        for fragment in fragments(mol, self._pieces) if len(base) and not self._is_closed else ():
            own = self._conformations(fragment)
            choice = np.tile((np.arange(len(own)) % len(base))[:, None], len(self._pieces))
            choice[:, fragment.piece] = len(base) + np.arange(len(own))
            x = self._pieces.combined(np.concatenate([base, own]), choice)
            rows[fragment.piece] = np.append(rows[fragment.piece], sum(map(len, made)) + np.arange(len(own)))
            made.append(self._least_clashing(x, random))
        x = np.concatenate(made)
        if self._embedding.graft is not None:
            x = self._embedding.graft.onto(x)
        if self._field is not None and len(x):
            x = self._field.lowered(x, self.RELAXATION, charges=False)[0]
        return x, rows

    def _conformations(self, fragment: Fragment) -> np.ndarray:
        """Embeddings of a fragment on the atoms of the molecule, NaN elsewhere, shape (n, N, 3)."""
        share = min(1.0, (self.SIZE / fragment.mol.GetNumHeavyAtoms()) ** 2)
        wanted = share * min(self.EACH[self._init] * self._num, self.MOST)
        num = max(self.LEAST, int(wanted))
        # Half of those for vacuum know nothing of the rings that crystals have: boats are among them.
        num_plain = num // 2 if self._init == "minima" and self._field is not None else 0
        seeds = [self._embedding.random_seed(1 + fragment.piece, part) for part in (0, 1)]
        found = self._embedding.embed_fragment(fragment.mol, num - num_plain, seeds[0])
        if num_plain:
            plain = self._embedding.embed_fragment(fragment.mol, num_plain, seeds[1], plain=True)
            found = np.concatenate([found, plain])
        found = found[np.isfinite(found).all(axis=(1, 2))]
        x = np.full((len(found), len(self._pieces.of_atom), 3), np.nan)
        x[:, fragment.atoms] = found
        return x

    def _least_clashing(self, x: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Structures (n, N, 3) turned by torsions that are drawn: of three draws each, that of the fewest clashes."""
        rotors = self._distribution.rotors
        found = []
        for _ in range(self.DRAWS):
            torsions = self._distribution.draw(random, x)
            found.append(rotors.turn(x, torsions - rotors.angles(x)))
        penalties = np.stack([self._clashes.penalty(one) for one in found])
        return np.stack(found)[penalties.argmin(0), np.arange(len(x))]


def differs_beyond_rotors(mol: Chem.Mol) -> bool:
    """Whether embeddings differ in more than turns about single bonds and rings: in macrocycles, or in open stereo."""
    if has_macrocycle(mol):
        return True
    return any(found.specified == Chem.StereoSpecified.Unspecified for found in Chem.FindPotentialStereo(mol))
