"""Turns about bonds: the soft motions of a molecule, in which half of it moves as one.

What atoms see of each other makes forces on each of them. A turn about a bond is what all forces on one side of it do
together, their torque, and moves atoms that are far from where it is decided. A network that moves atoms one by one
leaves torsions as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from molediff.networks.head import Encoding, HeadState, of_samples
from molediff.networks.hydrogens import Split
from molediff.networks.products import Linear

_SINGLE = 1  # code of the bond
_LARGEST = 1.0  # radian: bound of a turn
_LITTLE_NOISE = 0.02  # of a unit: with less there is ever less to turn back


@dataclass
class Turns:
    """The R bonds of each of B graphs (padded) about which one side turns against the other.

    Attributes:
        start: heavy places of the atoms at one end, int64, shape (B, R); 0 on padding.
        end: those at the other, shape (B, R).
        share: of its angle by which a turn turns each of the W places: 1 on the side of the end if it is the smaller,
            -1 on that of the start if this is, 1/2 and -1/2 if both are as large, else 0; shape (B, R, W).
        real: which bonds are real, bool, shape (B, R).
    """

    start: Tensor
    end: Tensor
    share: Tensor
    real: Tensor

    @classmethod
    def of(cls, split: Split, dtype: torch.dtype) -> Turns:
        """Single bonds of heavy atoms outside of rings, with something to turn at both ends.

        Args:
            split: which atoms are where.
            dtype: of the shares.
        """
        bond_codes, parent, carried_mask = split.pair_codes[..., 0], split.parent, split.carried_mask
        num_graphs, num_heavy = split.heavy_mask.shape
        bonded = bond_codes > 0
        degree = bonded.sum(-1).scatter_add(1, parent, carried_mask.long())
        turns = (bond_codes == _SINGLE) & (degree.unsqueeze(1) > 1) & (degree.unsqueeze(2) > 1)
        graph, u, v = turns.triu().nonzero(as_tuple=True)
        paths = bonded[graph].float() + torch.eye(num_heavy, device=bonded.device)
        row = torch.arange(len(graph), device=graph.device)
        paths[row, u, v] = paths[row, v, u] = 0.0
        for _ in range(max(1, (num_heavy - 1).bit_length())):
            paths = (paths @ paths).clamp(max=1.0)
        # What the ends lead to without the bond, (T, H).
        before, beyond = paths[row, u] > 0.5, paths[row, v] > 0.5
        is_bridge = ~beyond[row, u]
        graph, u, v, beyond = graph[is_bridge], u[is_bridge], v[is_bridge], beyond[is_bridge]
        sides = []
        for reached in (before[is_bridge], beyond):
            carried = reached.gather(1, parent[graph]) & carried_mask[graph]
            sides.append(torch.cat([reached, carried], dim=1).to(dtype))
        (of_start, of_end), sizes = sides, [side.sum(1, keepdim=True) for side in sides]
        weight = 0.5 + 0.5 * (sizes[0] - sizes[1]).sign()
        share = of_end * weight - of_start * (1.0 - weight)

        count = torch.bincount(graph, minlength=num_graphs)
        rank = torch.arange(len(graph), device=graph.device) - (count.cumsum(0) - count)[graph]
        most = int(count.max()) if len(graph) else 0
        made = cls(
            start=graph.new_zeros(num_graphs, most),
            end=graph.new_zeros(num_graphs, most),
            share=share.new_zeros(num_graphs, most, share.shape[1]),
            real=torch.zeros(num_graphs, most, dtype=torch.bool, device=graph.device),
        )
        made.start[graph, rank], made.end[graph, rank], made.share[graph, rank] = u, v, share
        made.real[graph, rank] = True
        return made

    def holding(self, held: Tensor) -> Turns:
        """Those that turn none of the places held, bool, shape (B, W), against another of them."""
        place = torch.arange(held.shape[1], device=held.device)
        on_axis = (place == self.start.unsqueeze(-1)) | (place == self.end.unsqueeze(-1))
        held = held.unsqueeze(1) & ~on_axis
        with_end = self.share == self.share.gather(2, self.end.unsqueeze(-1))
        torn = (held & with_end).any(-1) & (held & ~with_end).any(-1)
        return replace(self, real=self.real & ~torn)

    def of_pairs(self, pairs: Tensor) -> Tensor:
        """Features of the bonds, (n, R, P), among those of the pairs of heavy atoms, (n, H, H, P), either way."""
        start, end = of_samples(self.start, len(pairs)), of_samples(self.end, len(pairs))
        row = torch.arange(len(pairs), device=start.device).unsqueeze(1)
        return pairs[row, start, end] + pairs[row, end, start]

    def displacements(self, places: Tensor, angles: Tensor) -> Tensor:
        """How turns by `angles` (n, R), in radian, move the atoms of n samples at `places` (n, W, 3), shape (n, W, 3).

        One bond is turned after the other. Bond lengths, angles and all other torsions stay. The smaller side turns as
        a whole; where both are as large each turns by half, so that nothing hangs on the order of atoms.
        """
        start, end = of_samples(self.start, len(places)), of_samples(self.end, len(places))
        turned = (angles.unsqueeze(-1) * of_samples(self.share, len(places))).unsqueeze(-1)  # (n, R, W, 1)
        sine, lift = turned.sin(), 1.0 - turned.cos()
        moved = torch.zeros_like(places)
        for r in range(start.shape[1]):
            now = places + moved
            origin = _at(now, end[:, r : r + 1])
            axis = _unit(origin - _at(now, start[:, r : r + 1]))
            lines = now - origin
            along = axis * (axis * lines).sum(-1, keepdim=True)
            across = torch.linalg.cross(axis.expand_as(lines), lines)
            # Without an axis, where both ends coincide, nothing moves.
            across_axis = lines * (axis * axis).sum(-1, keepdim=True)
            moved = moved + sine[:, r] * across + lift[:, r] * (along - across_axis)
        return moved


class TurnHead(nn.Module):
    """Angles of turns about bonds, from the torques of forces and from what is told of both ends of a bond.

    A pseudoscalar: reflected, a molecule turns the other way. It begins with no turns.

    Args:
        channels: width of the scalars of heavy atoms.
        vector_channels: number of vectors that a heavy atom carries.
        pair_channels: width of the features of pairs.
        num_torques: kinds of torques.
    """

    def __init__(self, channels: int, vector_channels: int, pair_channels: int, num_torques: int = 16):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.ends = Linear(channels, pair_channels)
        self.of_pair = Linear(pair_channels, pair_channels, bias=False)
        self.force = Linear(vector_channels, num_torques, bias=False)
        self.levers = Linear(vector_channels, 2 * num_torques, bias=False)
        self.of_levers = Linear(2 * num_torques, pair_channels, bias=False)
        self.gate = nn.Sequential(
            nn.SiLU(), Linear(pair_channels, pair_channels), nn.SiLU(), Linear(pair_channels, 2 * num_torques)
        )
        last = self.gate[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(
        self, state: HeadState, code: Encoding, places: Tensor, sigma: Tensor, turns: Turns
    ) -> Tensor:
        """How turns about bonds move the atoms, shape (n, W, 3).

        Args:
            state: of the heavy atoms, after a block.
            code: of the heavy atoms.
            places: of all atoms, heavy ones first, shape (n, W, 3).
            sigma: scale of the noise, shape (n, 1, 1).
            turns: of the graphs.
        """
        return turns.displacements(places, self.angles(state, code, places, sigma, turns))

    def angles(self, state: HeadState, code: Encoding, places: Tensor, sigma: Tensor, turns: Turns) -> Tensor:
        """Angles in radian, shape (n, R), zero on padding; they vanish with the noise. Arguments as of `forward`."""
        assert state.pairs is not None
        of_pairs = turns.of_pairs(state.pairs)
        if code.shares_pairs and code.pairs is not None:  # then the state leaves out those of the graphs
            of_pairs = of_pairs + of_samples(turns.of_pairs(code.pairs), len(places))
        with torch.autocast(places.device.type, enabled=False):  # tenths of a degree move far atoms
            scalars, vectors, of_pairs = (
                x.to(places.dtype) for x in (state.scalars, state.vectors, of_pairs)
            )
            angles = self._angles(scalars, vectors, of_pairs, places, turns)
        return angles * (sigma / (sigma + _LITTLE_NOISE)).squeeze(-1)

    def _angles(
        self, scalars: Tensor, vectors: Tensor, of_pairs: Tensor, places: Tensor, turns: Turns
    ) -> Tensor:
        n, num_heavy = scalars.shape[:2]
        start, end = of_samples(turns.start, n), of_samples(turns.end, n)
        told = self.ends(self.norm(scalars))
        of_bond = _at(told, start) + _at(told, end) + self.of_pair(of_pairs)

        origin = _at(places, end)
        axis = _unit(origin - _at(places, start))  # (n, R, 3)
        lines = places[:, :num_heavy].unsqueeze(1) - origin.unsqueeze(2)
        motion = torch.linalg.cross(axis.unsqueeze(2).expand_as(lines), lines)
        motion = motion * of_samples(turns.share[..., :num_heavy], n).unsqueeze(-1)
        size = motion.square().sum((2, 3)).add(1.0).sqrt().unsqueeze(-1)
        torques = motion.flatten(2) @ self.force(vectors).flatten(1, 2) / size  # (n, R, T)

        levers = self.levers(vectors).flatten(2)
        first, second = (_at(levers, index).unflatten(-1, (3, -1)) for index in (start, end))
        (p, q), (s, t) = first.chunk(2, dim=-1), second.chunk(2, dim=-1)
        axis = axis.unsqueeze(-1).expand_as(p)
        twists = (axis * (torch.linalg.cross(p, t, dim=2) + torch.linalg.cross(q, s, dim=2))).sum(2)
        alike = (p * t + q * s).sum(2)
        of_bond = of_bond + self.of_levers(torch.cat([alike, torques.square()], dim=-1))
        angles = (self.gate(of_bond) * torch.cat([torques, twists], dim=-1)).sum(-1)
        return _LARGEST * torch.tanh(angles) * of_samples(turns.real, n).to(angles.dtype)


def _at(x: Tensor, index: Tensor) -> Tensor:
    """Rows `index` (n, R) of x (n, N, D): (n, R, D)."""
    return x.gather(1, index.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


def _unit(vectors: Tensor) -> Tensor:
    """Vectors (..., 3) of length one, zero where they are zero."""
    return vectors * torch.rsqrt((vectors * vectors).sum(-1, keepdim=True) + 1e-12)
