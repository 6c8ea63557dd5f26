"""The score network: a graph trunk that runs once a molecule, and a geometric head that runs at every evaluation.

The head works like a learned force field that relaxes the structure: each block measures the distances of the current
estimate of the clean structure, turns them into forces along the lines between atoms, and moves the atoms.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from molediff.networks.chirality import ChiralMessage
from molediff.networks.graph import GraphBatch
from molediff.networks.layers import GaussianBasis, NoiseLevelEmbedding, softmax_bias, split_heads
from molediff.networks.trunk import GraphTrunk


@dataclass
class Encoding:
    """What the network knows of a batch of graphs before it sees coordinates.

    Attributes:
        nodes: atom features, shape (B, N, channels).
        pairs: pair features, shape (B, N, N, pair_channels).
        mask: True for real atoms, shape (B, N).
        chiral_index: rows (centre, a, b, c) into the B * N flattened atoms, shape (T, 4).
        chiral_sign: +1 or -1, shape (T,).
        padded: whether any graph of the batch is padded.
    """

    nodes: Tensor
    pairs: Tensor
    mask: Tensor
    chiral_index: Tensor
    chiral_sign: Tensor
    padded: bool

    def repeat(self, k: int) -> Encoding:
        """Each graph `k` times, copies next to each other: graph b becomes samples b k to b k + k - 1."""
        if k == 1:
            return self
        num_atoms = self.mask.shape[1]
        graph, atom = self.chiral_index // num_atoms, self.chiral_index % num_atoms
        copies = torch.arange(k, device=graph.device)[None, :, None]
        index = ((graph.unsqueeze(1) * k + copies) * num_atoms + atom.unsqueeze(1)).flatten(0, 1)
        return Encoding(
            nodes=self.nodes.repeat_interleave(k, dim=0),
            pairs=self.pairs.repeat_interleave(k, dim=0),
            mask=self.mask.repeat_interleave(k, dim=0),
            chiral_index=index,
            chiral_sign=self.chiral_sign.repeat_interleave(k),
            padded=self.padded,
        )


class EquivariantNetwork(nn.Module):
    """E(3)-equivariant network on a fully connected graph, conditioned on the graph and on the noise level.

    Rotations, reflections (with the chirality tags flipped) and permutations of the input carry over to the output;
    translations do not change it. Inputs have unit variance (see `DiffusionModel`). The head's running estimate of the
    clean structure is y = alpha x - sigma output, which is the denoised structure when the output is the v target;
    for other targets y is only an internal coordinate.

    Args:
        node_cardinalities: number of values of each categorical node code.
        pair_cardinalities: number of values of each categorical pair code.
        length_scale: length of one input unit in the unit of `cutoff` (Angstrom for molecules).
        channels: width of the atom scalars.
        vector_channels: number of vectors an atom carries.
        pair_channels: width of the pair features.
        num_trunk_blocks: blocks of the graph trunk.
        num_blocks: blocks of the geometric head.
        num_heads: attention heads of both.
        num_basis: radial basis functions.
        cutoff: last centre of the radial basis; beyond it distances are told apart no more, smoothly.
    """

    def __init__(
        self,
        node_cardinalities: tuple[int, ...],
        pair_cardinalities: tuple[int, ...],
        length_scale: float = 1.0,
        channels: int = 192,
        vector_channels: int = 32,
        pair_channels: int = 64,
        num_trunk_blocks: int = 4,
        num_blocks: int = 5,
        num_heads: int = 8,
        num_basis: int = 32,
        cutoff: float = 10.0,
    ):
        super().__init__()
        self.length_scale = length_scale
        self.vector_channels = vector_channels
        self.trunk = GraphTrunk(
            tuple(node_cardinalities),
            tuple(pair_cardinalities),
            channels,
            pair_channels,
            num_trunk_blocks,
            num_heads,
        )
        self.noise_embedding = NoiseLevelEmbedding(channels)
        self.basis = GaussianBasis(num_basis, cutoff)
        self.blocks = nn.ModuleList(
            GeometricBlock(channels, vector_channels, pair_channels, num_heads, num_basis, first=i == 0)
            for i in range(num_blocks)
        )

    def encode(self, graph: GraphBatch) -> Encoding:
        """Run the trunk: everything that depends neither on coordinates nor on the noise level."""
        padded = not bool(graph.mask.all())
        nodes, pairs = self.trunk(graph.node_codes, graph.pair_codes, graph.mask if padded else None)
        return Encoding(nodes, pairs, graph.mask, graph.chiral_index, graph.chiral_sign, padded)

    def forward(self, x: Tensor, lambda_: Tensor, condition: GraphBatch | Encoding) -> Tensor:
        """Vector output (n, N, 3), zero mean over the atoms of each sample, zero on padding.

        Args:
            x: noisy coordinates of unit variance, shape (n, N, 3).
            lambda_: half log-SNR, shape (n,).
            condition: the graphs or, cheaper, their encoding, for n samples.
        """
        code = self.encode(condition) if isinstance(condition, GraphBatch) else condition
        mask = code.mask if code.padded else None
        alpha = torch.sigmoid(2 * lambda_).sqrt()[:, None, None]
        sigma = torch.sigmoid(-2 * lambda_).sqrt()[:, None, None]
        noise_level = self.noise_embedding(lambda_).unsqueeze(1)
        state = HeadState(
            scalars=code.nodes + noise_level,
            vectors=x.new_zeros(*x.shape, self.vector_channels),
            pairs=code.pairs,
            positions=x * self.length_scale,
        )
        bias = softmax_bias(mask, x.dtype)
        output = torch.zeros_like(x)
        for block in self.blocks:
            output = output + centre(block(state, noise_level, self.basis, code, bias), mask)
            state.positions = (alpha * x - sigma * output) * self.length_scale
        return output


@dataclass
class HeadState:
    """What flows through the head: scalars (n, N, C), vectors (n, N, 3, V), pairs (n, N, N, P), positions (n, N, 3)."""

    scalars: Tensor
    vectors: Tensor
    pairs: Tensor
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
        num_forces: int = 16,
    ):
        super().__init__()
        self.num_heads, self.vector_channels, self.first = num_heads, vector_channels, first
        self.norm = nn.LayerNorm(channels)
        self.film = nn.Linear(channels, 2 * channels)
        self.pair_ends = nn.Linear(channels, 2 * pair_channels)
        self.pair_radial = nn.Linear(num_basis, pair_channels, bias=False)
        self.pair_mix = nn.Linear(pair_channels, pair_channels, bias=False)
        self.pair_out = nn.Linear(pair_channels, num_heads + num_forces)
        self.pair_to_node = nn.Linear(pair_channels, channels, bias=False)
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.attention_out = nn.Linear(channels, channels)
        if not first:  # where atoms carry no vectors yet, there are none to pass on
            self.vector_out = nn.Linear(vector_channels, vector_channels, bias=False)
        self.force_to_vector = nn.Linear(num_forces, vector_channels, bias=False)
        self.force_to_displacement = nn.Linear(num_forces, 1, bias=False)
        self.vector_to_displacement = nn.Linear(vector_channels, 1, bias=False)
        self.chiral = ChiralMessage(channels, vector_channels)
        self.vector_mix = nn.Linear(vector_channels, 2 * vector_channels, bias=False)
        for layer in (self.force_to_displacement, self.vector_to_displacement):
            nn.init.normal_(layer.weight, std=0.1 * layer.in_features**-0.5)  # begin by moving atoms little
        self.update_norm = nn.LayerNorm(channels)
        self.update = nn.Sequential(
            nn.Linear(channels + 2 * vector_channels, 2 * channels),
            nn.SiLU(),
            nn.Linear(2 * channels, channels + 2 * vector_channels),
        )

    def forward(
        self, state: HeadState, noise_level: Tensor, basis: GaussianBasis, code: Encoding, bias: Tensor | None
    ) -> Tensor:
        scale, shift = self.film(noise_level).chunk(2, dim=-1)
        h = self.norm(state.scalars) * (1 + scale) + shift
        positions = state.positions
        distances = pair_distances(positions)
        hidden = self._pair_hidden(h, state.pairs, basis(distances))
        state.pairs = state.pairs + hidden
        logits, weights = self.pair_out(hidden).split(
            [self.num_heads, self.force_to_vector.in_features], dim=-1
        )

        forces = self._forces(weights, positions, distances, code.mask if code.padded else None)
        scalars, vectors = self._attend(h, state.vectors, logits, bias)
        weight = code.mask[:, None, None, :].to(hidden.dtype)
        pooled = (weight @ hidden).squeeze(2) if code.padded else hidden.sum(2)
        scalars = state.scalars + scalars + self.pair_to_node(pooled * 0.2)
        vectors = bounded(state.vectors + vectors + self.force_to_vector(forces))
        if len(code.chiral_sign):
            twist = self.chiral(h, vectors, positions, code.chiral_index, code.chiral_sign)
            scalars, vectors = scalars + twist[0], vectors + twist[1]
        vectors = bounded(
            vectors
        )  # also without stereocentres: what others in the batch have must not matter

        mixed, partner = self.vector_mix(vectors).chunk(2, dim=-1)
        norms = (mixed * mixed).sum(2).add(1e-4).sqrt()
        invariants = torch.cat([self.update_norm(scalars), norms, (mixed * partner).sum(2)], dim=-1)
        delta, gate, out_gate = self.update(invariants).split(
            [scalars.shape[-1], self.vector_channels, self.vector_channels], dim=-1
        )
        state.scalars = scalars + delta
        state.vectors = bounded(vectors + gate.unsqueeze(2) * partner)
        # float32 from here: the displacement adds up over blocks and must resolve hundredths of an Angstrom.
        moved = self.vector_to_displacement(
            state.vectors * out_gate.unsqueeze(2)
        ) + self.force_to_displacement(forces)
        return moved.squeeze(-1).to(positions.dtype)

    def _pair_hidden(self, h: Tensor, pairs: Tensor, radial: Tensor) -> Tensor:
        start, end = self.pair_ends(h).chunk(2, dim=-1)
        # In place where autograd allows it: these are the largest tensors, and memory is what limits the speed.
        mixed = (
            self.pair_mix(pairs)
            .add_(self.pair_radial(radial))
            .add_(start.unsqueeze(2))
            .add_(end.unsqueeze(1))
        )
        return nn.functional.silu(mixed, inplace=not mixed.requires_grad)

    def _forces(self, weights: Tensor, positions: Tensor, distances: Tensor, mask: Tensor | None) -> Tensor:
        """sum_j w_ij (x_i - x_j) / (1 + d_ij) for every force channel, (n, N, 3, num_forces), in full precision."""
        with torch.autocast(positions.device.type, enabled=False):
            w = weights.to(positions.dtype).permute(0, 3, 1, 2) / (1.0 + distances).unsqueeze(
                1
            )  # (n, F, N, N)
            if mask is not None:
                w = w * mask[:, None, None, :].to(w.dtype)
            pulled = (w.flatten(1, 2) @ positions).unflatten(1, w.shape[1:3])  # (n, F, N, 3)
            forces = w.sum(-1, keepdim=True) * positions.unsqueeze(1) - pulled
            return forces.permute(0, 2, 3, 1)

    def _attend(
        self, h: Tensor, vectors: Tensor, logits: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Attention whose values are scalars and vectors alike, biased by the pairs."""
        q, k, v = (split_heads(part, self.num_heads) for part in self.qkv(h).chunk(3, dim=-1))
        logits = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + logits.permute(0, 3, 1, 2)
        if bias is not None:
            logits = logits + bias
        weights = logits.softmax(dim=-1).to(v.dtype)
        if self.first:
            mixed = weights @ v
            return self.attention_out(mixed.transpose(1, 2).flatten(2)), vectors
        n, num_atoms, _, num_vectors = vectors.shape
        carried = vectors.to(v.dtype).unflatten(-1, (self.num_heads, -1)).permute(0, 3, 1, 2, 4).flatten(3)
        mixed = weights @ torch.cat([v, carried], dim=-1)
        scalars, carried = mixed.split([v.shape[-1], carried.shape[-1]], dim=-1)
        carried = carried.unflatten(-1, (3, -1)).permute(0, 2, 3, 1, 4).reshape(n, num_atoms, 3, num_vectors)
        return self.attention_out(scalars.transpose(1, 2).flatten(2)), self.vector_out(carried)


def pair_distances(positions: Tensor) -> Tensor:
    """Smoothed distances sqrt(d^2 + 1e-6) between all pairs: (n, N, 3) -> (n, N, N); differentiable at zero."""
    difference = positions.unsqueeze(2) - positions.unsqueeze(1)
    return (difference * difference).sum(-1).add(1e-6).sqrt()


def bounded(vectors: Tensor) -> Tensor:
    """Shrink the vectors (n, N, 3, V) of an atom to a root mean square length below 1; short ones stay as they are.

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
