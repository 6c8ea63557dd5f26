"""Torsions that are coupled, drawn by a heat bath: each in turn anew, from its law where all others are as they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np


class HeatBath:
    """Gibbs sampling (Geman and Geman 1984) of R torsions in B bins each, of n structures at once.

    The law is exp(sum_r h_r(b_r) + sum_uv J_uv(b_u, b_v)): an annealed law, whose energies have both signs turned and
    are divided by the temperature. J is a sum of parts, with shares that may differ between structures.

    Args:
        fields: h of each torsion, shape (n, R, B).
        pairs: of coupled torsions u and v.
        parts: of J, arrays (B, B) for each pair.
        shares: of these parts, arrays (n,) for each pair.
    """

    def __init__(
        self,
        fields: np.ndarray,
        pairs: Sequence[tuple[int, int]],
        parts: Sequence[Sequence[np.ndarray]],
        shares: Sequence[Sequence[np.ndarray]],
    ):
        self._fields = np.asarray(fields, dtype=np.float32)
        # By torsion: another one that it is coupled to, a table with rows of that one, and its shares if they differ.
        self._coupled: list[list[tuple[int, np.ndarray, np.ndarray | None]]]
        self._coupled = [[] for _ in range(self._fields.shape[1])]
        for (first, second), own, each in zip(pairs, parts, shares, strict=True):
            alike = np.zeros(own[0].shape, dtype=np.float32)
            for part, share in zip(own, each, strict=True):
                if (share == share[0]).all():
                    alike += np.float32(share[0]) * part
                else:
                    self._couple(first, second, part, share[:, None].astype(np.float32))
            self._couple(first, second, alike, None)

    def _couple(self, first: int, second: int, table: np.ndarray, share: np.ndarray | None) -> None:
        self._coupled[second].append((first, table, share))
        self._coupled[first].append((second, np.ascontiguousarray(table.T), share))

    def logits(self, bins: np.ndarray, torsion: int) -> np.ndarray:
        """Of the bins of one torsion where the others are in `bins` (n, R), shape (n, B)."""
        found = self._fields[:, torsion].copy()
        for other, table, share in self._coupled[torsion]:
            rows = table[bins[:, other]]
            found += rows if share is None else share * rows
        return found

    def sweep(self, bins: np.ndarray, random: np.random.Generator, still: Collection[int] = ()) -> None:
        """Draw each coupled torsion of `bins` (n, R) once, in place, but for those that are `still`."""
        for torsion, coupled in enumerate(self._coupled):
            if coupled and torsion not in still:
                logits = self.logits(bins, torsion)
                below = np.exp(logits - logits.max(1, keepdims=True)).cumsum(1)
                places = random.random((len(bins), 1)) * below[:, -1:]
                bins[:, torsion] = (places > below).sum(1).clip(max=below.shape[1] - 1)
