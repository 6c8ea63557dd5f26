"""Couplings of torsions: how the turn about one bond goes with the turn about another one nearby."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from molediff.networks.torsion_batch import BIN_WIDTH, NUM_BINS, TorsionBatch


class TorsionPairs(NamedTuple):
    """P pairs of torsions of one conformer whose bonds are near each other.

    Attributes:
        first, second: the torsions u and v, int64, shape (P,).
        path: their atoms, from the far end of u to that of v, int64, shape (P, 8): both bonds are bridges of the
            molecular graph, so that each has one end that is nearer to the other.
        turned: whether u and v were read backwards for that, bool, shape (P, 2).
    """

    first: Tensor
    second: Tensor
    path: Tensor
    turned: Tensor

    @classmethod
    def of(cls, batch: TorsionBatch, reach: int) -> TorsionPairs:
        """Those of a batch whose bonds have ends at most `reach` bonds apart."""
        first, second = _of_one_conformer(batch.conformer)
        bonds = batch.pair_distances(first, second)
        first, second, bonds = (part[bonds.amin((1, 2)) <= reach] for part in (first, second, bonds))
        nearest = bonds.flatten(1).argmin(1)
        turned = torch.stack([nearest < 2, nearest % 2 == 1], dim=1)  # j is the near end of u; k is that of v
        path = _end_to_end(batch.atoms[first], batch.atoms[second], turned)
        return cls(first, second, path, turned)

    def reversed(self) -> TorsionPairs:
        """The same pairs, read from the other end: v before u, each backwards."""
        return TorsionPairs(self.second, self.first, self.path.flip(-1), ~self.turned.flip(-1))

    def hands(self, hands: Tensor) -> Tensor:
        """Of the four ends along the path, shape (P, 4), for the hands (T, 2) of the torsions."""
        return _end_to_end(hands[self.first], hands[self.second], self.turned)


class Couplings(NamedTuple):
    """Logits J(phi_u, phi_v) that pairs of torsions add to those of each by itself: minus an energy, in kT.

    J is a Fourier series, the real part of the sum over m = 1..M and n = -M..M of c[m, n] exp(i (m phi_u + n phi_v)),
    and the same with u and v exchanged. The imaginary part of c is odd in the hands of the ends: in the mirror image,
    where hands and torsions change their sign, J is the same.

    Attributes:
        pairs: which torsions they couple.
        even, odd: of the pairs as they are and read from the other end, shapes (2, P, M, 2 M + 1) and
            (2, P, 4, M, 2 M + 1).
        field: what is added to the even logits of a torsion where those that it is coupled to are known, shape
            (T, NUM_BINS / 2).
    """

    pairs: TorsionPairs
    even: Tensor
    odd: Tensor
    field: Tensor

    def tables(self, hands: Tensor) -> Tensor:
        """J of the bins of both torsions, shape (P, NUM_BINS, NUM_BINS), for the hands (T, 2) of all torsions."""
        found, along = self.even_tables(), self.pairs.hands(hands)
        for end in range(along.shape[1]):
            found = found + along[:, end, None, None] * self.odd_tables(end, slice(None))
        return found

    def even_tables(self) -> Tensor:
        """J without hands, shape (P, NUM_BINS, NUM_BINS)."""
        return self._table(self.even[0].to(torch.complex64), self.even[1].to(torch.complex64))

    def odd_tables(self, end: int, rows: Tensor | slice) -> Tensor:
        """What a hand of +1 of an end of the path (0 to 3) adds to J of the pairs `rows`, of the same shape each."""
        return self._table(-1j * self.odd[0, rows, end], -1j * self.odd[1, rows, 3 - end])

    def _table(self, there: Tensor, back: Tensor) -> Tensor:
        high, low = self._waves(_centres(self.even))
        ahead, behind = (_real_product(high, one @ low.T) for one in (there, back))
        return ahead + behind.transpose(1, 2)

    def given(self, degrees: Tensor, hands: Tensor) -> Tensor:
        """What the other torsions, measured in `degrees` (T,), add to the logits of each, shape (T, NUM_BINS)."""
        there, back = self._coefficients(hands)
        high, low = self._waves(_centres(self.even))
        found = degrees.new_zeros(len(degrees), NUM_BINS)
        for one, other, ahead, behind in (
            (self.pairs.first, self.pairs.second, there, back),
            (self.pairs.second, self.pairs.first, back, there),
        ):
            high_there, low_there = self._waves(torch.deg2rad(degrees[other]).to(self.even.dtype))
            added = torch.einsum("pmn,pn->pm", ahead, low_there) @ high.T
            added = added + torch.einsum("pmn,pm->pn", behind, high_there) @ low.T
            found = found.index_add(0, one, added.real)
        return found

    def _coefficients(self, hands: Tensor) -> tuple[Tensor, Tensor]:
        ways = (self.pairs, self.pairs.reversed())
        odd = [
            (pairs.hands(hands)[:, :, None, None] * part).sum(1)
            for pairs, part in zip(ways, self.odd, strict=True)
        ]
        return torch.complex(self.even[0], -odd[0]), torch.complex(self.even[1], -odd[1])

    def _waves(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """exp(i m phi) for m = 1..M and for m = -M..M, shapes (..., M) and (..., 2 M + 1)."""
        num = self.even.shape[-2]
        orders = torch.arange(-num, num + 1, device=angles.device)
        waves = torch.exp(1j * orders * angles.unsqueeze(-1))
        return waves[..., num + 1 :], waves


class TorsionCouplings(nn.Module):
    """Couplings between torsions whose bonds are near each other.

    Args:
        hidden: width of the torsions' features.
        pair_channels: width of the pairs of atoms.
        num_harmonics: M, the highest order of the Fourier series.
        reach: most bonds between the nearer ends of two rotatable bonds.
        channels: width of the pairs of torsions.
        dropout: share of their features that is dropped in training.
    """

    def __init__(
        self,
        hidden: int,
        pair_channels: int,
        num_harmonics: int = 6,
        reach: int = 4,
        channels: int = 128,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.num_harmonics, self.reach = num_harmonics, reach
        self.of_first = nn.Linear(hidden, channels)
        self.of_second = nn.Linear(hidden, channels)
        self.of_path = nn.Linear(9 * pair_channels, channels)
        self.of_pair = nn.Sequential(
            nn.SiLU(), nn.LayerNorm(channels), nn.Linear(channels, channels), nn.SiLU(), nn.Dropout(dropout)
        )
        self.to_series = nn.Linear(channels, 5 * num_harmonics * (2 * num_harmonics + 1))
        to_bins = nn.Linear(hidden, NUM_BINS // 2)
        self.to_field = nn.Sequential(nn.SiLU(), nn.LayerNorm(hidden), to_bins)
        for last in (self.to_series, to_bins):  # nothing is coupled at the beginning
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, torsions: Tensor, pairs: Tensor, batch: TorsionBatch) -> Couplings:
        """Couplings of the torsions of `batch`.

        Args:
            torsions: features of each as it is and read backwards, shape (2, T, hidden).
            pairs: features of the pairs of atoms, shape (B, N, N, pair_channels).
            batch: the torsions.
        """
        found = TorsionPairs.of(batch, self.reach)
        ways = [self._series(torsions, pairs, batch, one) for one in (found, found.reversed())]
        series = torch.stack(ways).unflatten(-1, (5, self.num_harmonics, 2 * self.num_harmonics + 1)).float()
        return Couplings(found, series[:, :, 0], series[:, :, 1:], self.to_field(torsions.sum(0)).float())

    def _series(self, torsions: Tensor, pairs: Tensor, batch: TorsionBatch, found: TorsionPairs) -> Tensor:
        molecule = batch.molecule[found.first]
        # Of each torsion the outer atom that is turned to the other, and its bond; not its far outer atom.
        between = [
            pairs[molecule, found.path[:, here], found.path[:, there]]
            for here in (1, 2, 3)
            for there in (4, 5, 6)
        ]
        first, second = found.turned.long().T
        features = self.of_first(torsions[first, found.first]) + self.of_second(
            torsions[second, found.second]
        )
        series: Tensor = self.to_series(self.of_pair(features + self.of_path(torch.cat(between, dim=-1))))
        return series


def _end_to_end(first: Tensor, second: Tensor, turned: Tensor) -> Tensor:
    """Rows of `first` and `second` (P, K) behind each other, backwards where `turned` (P, 2), shape (P, 2 K)."""
    parts = [
        torch.where(turned[:, place, None], part.flip(-1), part) for place, part in enumerate((first, second))
    ]
    return torch.cat(parts, dim=1)


def _of_one_conformer(conformer: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs of torsions of the same conformer, which stand next to each other, int64, shape (P,) each."""
    counts = torch.bincount(conformer)
    starts = counts.cumsum(0) - counts
    most = int(counts.max()) if len(counts) else 0
    first, second = torch.triu_indices(most, most, 1, device=conformer.device)
    exists = second < counts[:, None]
    return (starts[:, None] + first)[exists], (starts[:, None] + second)[exists]


def _real_product(left: Tensor, right: Tensor) -> Tensor:
    """The real part of a product of complex matrices, half of the work."""
    return left.real @ right.real - left.imag @ right.imag


def _centres(like: Tensor) -> Tensor:
    """Centres of the bins in radians."""
    bins = torch.arange(NUM_BINS, device=like.device, dtype=like.dtype)
    return torch.deg2rad(-180 + BIN_WIDTH * (bins + 0.5))
