"""The geometric head: blocks that turn the distances between atoms into forces, and move the atoms."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from molediff.networks.chirality import ChiralMessage
from molediff.networks.layers import GaussianBasis, split_heads
from molediff.networks.products import Linear, linear


@dataclass
class Encoding:
    """What the network knows of n = B copies samples of B graphs before it sees coordinates.

    Attributes:
        nodes: atom features of the graphs, shape (B, N, channels).
        pairs: their pair features, shape (B, N, N, pair_channels); None where nothing tells one pair from another.
        mask: True for real atoms, shape (n, N).
        chiral_index: rows (centre, a, b, c) into the n * N flattened atoms, shape (T, 4).
        chiral_sign: +1 or -1, shape (T,).
        padded: whether any graph of the batch is padded.
        copies: samples of a graph, next to each other.
    """

    nodes: Tensor
    pairs: Tensor | None
    mask: Tensor
    chiral_index: Tensor
    chiral_sign: Tensor
    padded: bool
    copies: int = 1

    def repeat(self, k: int) -> Encoding:
        """Each graph `k` times, copies next to each other: graph b becomes samples b k to b k + k - 1."""
        if k == 1:
            return self
        num_atoms = self.mask.shape[1]
        graph, atom = self.chiral_index // num_atoms, self.chiral_index % num_atoms
        copies = torch.arange(k, device=graph.device)[None, :, None]
        index = ((graph.unsqueeze(1) * k + copies) * num_atoms + atom.unsqueeze(1)).flatten(0, 1)
        return Encoding(
            nodes=self.nodes,
            pairs=self.pairs,
            mask=self.mask.repeat_interleave(k, dim=0),
            chiral_index=index,
            chiral_sign=self.chiral_sign.repeat_interleave(k),
            padded=self.padded,
            copies=self.copies * k,
        )

    @property
    def shares_pairs(self) -> bool:
        """Whether the pair features of a graph are those of several samples.

        They are not copied then, and the head's state leaves them out: each block adds what its `pair_mix`, which is
        linear, makes of them.
        """
        return self.pairs is not None and self.copies > 1


def empty_encoding(x: Tensor) -> Encoding:
    """What is known of points `x` (n, N, d) that are all alike: nothing."""
    return Encoding(
        nodes=x.new_zeros(*x.shape[:2], 1),
        pairs=None,
        mask=torch.ones(x.shape[:2], dtype=torch.bool, device=x.device),
        chiral_index=torch.zeros(0, 4, dtype=torch.long, device=x.device),
        chiral_sign=x.new_zeros(0),
        padded=False,
    )


@dataclass
class HeadState:
    """What flows through the head: scalars (n, N, C), vectors (n, N, d, V), pairs (n, N, N, P), positions (n, N, d).

    Before the first block pairs are None where nothing tells them apart or where copies share them, and there is one
    row of scalars for all copies of a graph if they have one noise level.
    """

    scalars: Tensor
    vectors: Tensor
    pairs: Tensor | None
    positions: Tensor


class GeometricBlock(nn.Module):
    """One step of the learned relaxation; updates the state in place of its fields and returns a displacement."""

    def __init__(
        self,
        channels: int,
        vector_channels: int,
        pair_channels: int,
        num_heads: int,
        num_basis: int,
        first: bool,
        knows_pairs: bool = True,
        chiral: bool = True,
        num_forces: int = 16,
        last: bool = False,
    ):
        super().__init__()
        self.num_heads, self.vector_channels, self.first, self.last = num_heads, vector_channels, first, last
        self.norm = nn.LayerNorm(channels)
        self.film = Linear(channels, 2 * channels)
        self.pair_ends = Linear(channels, 2 * pair_channels)
        self.pair_radial = Linear(num_basis, pair_channels, bias=False)
        if knows_pairs:
            self.pair_mix = Linear(pair_channels, pair_channels, bias=False)
        self.pair_out = Linear(pair_channels, num_heads + num_forces)
        self.pair_to_node = Linear(pair_channels, channels, bias=False)
        self.qkv = Linear(channels, 3 * channels, bias=False)
        self.attention_out = Linear(channels, channels)
        if not first:  # where atoms carry no vectors yet, there are none to pass on
            self.vector_out = Linear(vector_channels, vector_channels, bias=False)
        self.force_to_vector = Linear(num_forces, vector_channels, bias=False)
        self.force_to_displacement = Linear(num_forces, 1, bias=False)
        self.vector_to_displacement = Linear(vector_channels, 1, bias=False)
        self.chiral = ChiralMessage(channels, vector_channels) if chiral else None
        self.vector_mix = Linear(vector_channels, 2 * vector_channels, bias=False)
        for layer in (self.force_to_displacement, self.vector_to_displacement):
            nn.init.normal_(layer.weight, std=0.1 * layer.in_features**-0.5)  # begin by moving atoms little
        self.update_norm = nn.LayerNorm(channels)
        self.update = nn.Sequential(
            Linear(channels + 2 * vector_channels, 2 * channels),
            nn.SiLU(),
            Linear(2 * channels, channels + 2 * vector_channels),
        )

    def forward(
        self, state: HeadState, noise_level: Tensor, basis: GaussianBasis, code: Encoding, bias: Tensor | None
    ) -> Tensor:
        scale, shift = self.film(noise_level).chunk(2, dim=-1)
        h = self.norm(state.scalars) * (1 + scale) + shift
        positions = state.positions
        # (n, N, d, N): what runs over all atoms comes last, since d is too short to be worked on in one go.
        difference = positions.unsqueeze(3) - positions.transpose(1, 2).unsqueeze(1)
        distances = lengths(difference, dim=2)
        hidden = self._pair_hidden(h, state.pairs, code, basis.projected(distances, self.pair_radial))
        if not self.last:
            self._keep_pairs(state, hidden)
        logits, weights = self.pair_out(hidden).split(
            [self.num_heads, self.force_to_vector.in_features], dim=-1
        )

        mask = code.mask if code.padded else None
        forces = self._forces(weights, difference, distances, mask)
        scalars, vectors = self._attend(h, state.vectors, logits, bias)
        pooled = hidden.sum(2) if mask is None else (mask[:, None, None].to(hidden.dtype) @ hidden).squeeze(2)
        scalars = of_samples(state.scalars, len(positions)) + scalars + self.pair_to_node(pooled * 0.2)
        vectors = bounded(state.vectors + vectors + self.force_to_vector(forces))
        if self.chiral is not None and len(code.chiral_sign):
            h = of_samples(h, len(positions))
            twist = self.chiral(h, vectors, positions, code.chiral_index, code.chiral_sign)
            scalars, vectors = scalars + twist[0], vectors + twist[1]
        vectors = bounded(
            vectors
        )  # also without stereocentres: what others in the batch have must not matter

        mixed, partner = self.vector_mix(vectors).chunk(2, dim=-1)
        norms = (mixed * mixed).sum(2).add(1e-4).sqrt()
        invariants = torch.cat([self.update_norm(scalars), norms, (mixed * partner).sum(2)], dim=-1)
        widen, activate, narrow = self.update
        assert isinstance(narrow, nn.Linear)
        unused = scalars.shape[-1] if self.last else 0  # no one asks what becomes of the scalars in the end
        updates = linear(activate(widen(invariants)), narrow.weight[unused:], narrow.bias[unused:])
        delta, gate, out_gate = updates.split(
            [scalars.shape[-1] - unused, self.vector_channels, self.vector_channels], dim=-1
        )
        if not self.last:
            state.scalars = scalars + delta
        state.vectors = bounded(vectors + gate.unsqueeze(2) * partner)
        # float32 from here: the displacement adds up over blocks and must resolve hundredths of an Angstrom.
        moved = self.vector_to_displacement(
            state.vectors * out_gate.unsqueeze(2)
        ) + self.force_to_displacement(forces)
        return moved.squeeze(-1).to(positions.dtype)

    def _keep_pairs(self, state: HeadState, hidden: Tensor) -> None:
        """Add to the pair features; in place where they are the head's own and nothing is differentiated."""
        if state.pairs is None:
            state.pairs = hidden
        elif self.first or hidden.requires_grad:
            state.pairs = state.pairs + hidden
        else:
            state.pairs.add_(hidden)

    def _pair_hidden(self, h: Tensor, pairs: Tensor | None, code: Encoding, radial: Tensor) -> Tensor:
        """SiLU of the sum of what a pair's two ends, its distance, the graph and the blocks before say of it."""
        start, end = self.pair_ends(h).chunk(2, dim=-1)
        # In place where autograd allows it: these are the largest tensors, and memory is what limits the speed.
        mixed = radial
        if pairs is not None and not mixed.requires_grad:
            weight = self.pair_mix.weight.to(mixed.dtype)  # autocast does not see to what is in place
            mixed.view(-1, mixed.shape[-1]).addmm_(pairs.to(mixed.dtype).flatten(0, 2), weight.T)
        elif pairs is not None:
            mixed = self.pair_mix(pairs).add_(mixed)
        if code.shares_pairs:
            add_of_graphs(mixed, self.pair_mix(code.pairs))
        if len(start) < len(mixed):
            add_of_graphs(mixed, start.unsqueeze(2) + end.unsqueeze(1))
        else:
            mixed.add_(start.unsqueeze(2)).add_(end.unsqueeze(1))
        return nn.functional.silu(mixed, inplace=not mixed.requires_grad)

    def _forces(self, weights: Tensor, difference: Tensor, distances: Tensor, mask: Tensor | None) -> Tensor:
        """sum_j w_ij (x_i - x_j) / (1 + d_ij) for every force channel, (n, N, d, num_forces), in full precision."""
        with torch.autocast(difference.device.type, enabled=False):
            lines = difference / (1.0 + distances).unsqueeze(2)  # (n, N, d, N)
            if mask is not None:
                lines = lines * mask[:, None, None, :].to(lines.dtype)
            return lines @ weights.to(lines.dtype)

    def _attend(
        self, h: Tensor, vectors: Tensor, logits: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Attention whose values are scalars and vectors alike, biased by the pairs."""
        q, k, v = (split_heads(part, self.num_heads) for part in self.qkv(h).chunk(3, dim=-1))
        v, likeness = of_samples(v, len(logits)), of_samples(q @ k.transpose(-1, -2), len(logits))
        logits = likeness * q.shape[-1] ** -0.5 + logits.permute(0, 3, 1, 2)
        if bias is not None:
            logits = logits + bias
        weights = logits.softmax(dim=-1).to(v.dtype)
        if self.first:
            mixed = weights @ v
            return self.attention_out(mixed.transpose(1, 2).flatten(2)), vectors
        n, num_atoms, dim, num_vectors = vectors.shape
        carried = vectors.to(v.dtype).unflatten(-1, (self.num_heads, -1)).permute(0, 3, 1, 2, 4).flatten(3)
        mixed = weights @ torch.cat([v, carried], dim=-1)
        scalars, carried = mixed.split([v.shape[-1], carried.shape[-1]], dim=-1)
        carried = (
            carried.unflatten(-1, (dim, -1)).permute(0, 2, 3, 1, 4).reshape(n, num_atoms, dim, num_vectors)
        )
        return self.attention_out(scalars.transpose(1, 2).flatten(2)), self.vector_out(carried)


def of_samples(x: Tensor, num_samples: int) -> Tensor:
    """Rows of graphs, (B, ...), once for each of their samples, (n, ...); rows of samples as they are."""
    return x if len(x) == num_samples else x.repeat_interleave(num_samples // len(x), dim=0)


def add_of_graphs(x: Tensor, of_graphs: Tensor) -> None:
    """Add rows of graphs, (B, ...), in place to the rows `x` of their samples, (n, ...)."""
    x.unflatten(0, (len(of_graphs), -1)).add_(of_graphs.unsqueeze(1))


def pair_distances(positions: Tensor) -> Tensor:
    """Smoothed distances between all pairs: (n, N, d) -> (n, N, N)."""
    return lengths(positions.unsqueeze(2) - positions.unsqueeze(1))


def lengths(vectors: Tensor, dim: int = -1) -> Tensor:
    """Smoothed lengths sqrt(d^2 + 1e-6) of vectors along `dim`: (..., d) -> (...); differentiable at zero."""
    return (vectors * vectors).sum(dim).add(1e-6).sqrt()


def bounded(vectors: Tensor) -> Tensor:
    """Shrink the vectors (n, N, d, V) of an atom to a root mean square length below 1; short ones stay as they are.

    The head is cubic in its vectors a block, and would explode without this.
    """
    length_squared = (vectors * vectors).sum((2, 3), keepdim=True) / vectors.shape[-1]
    return vectors * torch.rsqrt(1.0 + length_squared)


def centre(x: Tensor, mask: Tensor | None) -> Tensor:
    """Remove the mean over the real atoms; padded rows become zero."""
    if mask is None:
        return x - x.mean(dim=1, keepdim=True)
    weight = mask.unsqueeze(-1).to(x.dtype)
    return (x - (x * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True)) * weight
