"""Torsions that are coupled, drawn by a heat bath: each in turn anew, from its law where all others are as they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np


class HeatBath:
    """Gibbs sampling (Geman and Geman 1984) of R torsions in B bins each, of many structures at once.

    The law is exp(sum_r h_r(b_r) + sum_uv J_uv(b_u, b_v)): an annealed law, whose energies have both signs turned and
    are divided by the temperature.

    Args:
        fields: h of each torsion, shape (R, B).
        pairs: of coupled torsions u < v.
        couplings: J of each pair, shape (P, B, B).
    """

    def __init__(self, fields: np.ndarray, pairs: Sequence[tuple[int, int]], couplings: np.ndarray):
        self._fields = np.asarray(fields, dtype=np.float32)
        self._coupled: list[list[tuple[int, np.ndarray]]] = [[] for _ in range(len(self._fields))]
        for (first, second), table in zip(pairs, np.asarray(couplings, dtype=np.float32), strict=True):
            # Rows of the one that is known; those of the other lie next to each other then.
            self._coupled[second].append((first, table))
            self._coupled[first].append((second, np.ascontiguousarray(table.T)))

    def logits(self, bins: np.ndarray, torsion: int) -> np.ndarray:
        """Of the bins of one torsion where the others are in `bins` (n, R), shape (n, B)."""
        found = np.repeat(self._fields[torsion, None], len(bins), axis=0)
        for other, table in self._coupled[torsion]:
            found += table[bins[:, other]]
        return found

    def sweep(self, bins: np.ndarray, random: np.random.Generator, still: Collection[int] = ()) -> None:
        """Draw each coupled torsion of `bins` (n, R) once, in place, but for those that are `still`."""
        for torsion, coupled in enumerate(self._coupled):
            if coupled and torsion not in still:
                logits = self.logits(bins, torsion)
                below = np.exp(logits - logits.max(1, keepdims=True)).cumsum(1)
                places = random.random((len(bins), 1)) * below[:, -1:]
                bins[:, torsion] = (places > below).sum(1).clip(max=below.shape[1] - 1)
