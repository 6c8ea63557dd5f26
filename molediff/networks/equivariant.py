"""The score network: a graph trunk that runs once a molecule, and a geometric head that runs at every evaluation.

The head works like a learned force field that relaxes the structure: each block measures the distances of the current
estimate of the clean structure, turns them into forces along the lines between atoms, and moves the atoms.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from molediff.networks.graph import GraphBatch
from molediff.networks.head import (
    Encoding,
    GeometricBlock,
    HeadState,
    centre,
    empty_encoding,
    of_samples,
    pair_distances,
)
from molediff.networks.kind import Kind
from molediff.networks.layers import GaussianBasis, NoiseLevelEmbedding, softmax_bias
from molediff.networks.trunk import GraphTrunk

__all__ = ["Encoding", "EquivariantNetwork", "pair_distances"]


class EquivariantNetwork(nn.Module):
    """E(3)-equivariant network on a fully connected graph, conditioned on the graph and on the noise level.

    Rotations, reflections (with the chirality tags flipped) and permutations of the input carry over to the output;
    translations do not change it. Inputs have unit variance (see `DiffusionModel`). The head's running estimate of the
    clean structure is y = alpha x - sigma output, which is the denoised structure when the output is the v target;
    for other targets y is only an internal coordinate.

    Particles that are all alike have no codes and need no trunk: then both cardinalities are empty, the condition is
    None, and the points may be of any dimension (`chiral` needs three).

    Args:
        node_cardinalities: number of values of each categorical node code.
        pair_cardinalities: number of values of each categorical pair code; empty if there are no node codes.
        length_scale: length of one input unit in the unit of `cutoff` (Angstrom for molecules).
        channels: width of the atom scalars.
        vector_channels: number of vectors an atom carries.
        pair_channels: width of the pair features.
        num_trunk_blocks: blocks of the graph trunk.
        num_blocks: blocks of the geometric head.
        num_heads: attention heads of both.
        num_basis: radial basis functions.
        cutoff: last centre of the radial basis; beyond it distances are told apart no more, smoothly.
        basis_power: 1 spaces the centres evenly, more crowds them at short distance.
        chiral: whether chirality tags pass messages.
        local_std: how far a point moves about its place in the data, in input units. The output is then scaled by
            sigma / sqrt(sigma^2 + alpha^2 local_std^2), the size that the noise has in a normal distribution of this
            width as far as x tells it: without it a network must learn to vanish in proportion to sigma at small noise.

    Raises:
        ValueError: only one of the cardinalities is empty, or `local_std` is not positive.
    """

    def __init__(
        self,
        node_cardinalities: tuple[int, ...] = (),
        pair_cardinalities: tuple[int, ...] = (),
        length_scale: float = 1.0,
        channels: int = 192,
        vector_channels: int = 32,
        pair_channels: int = 64,
        num_trunk_blocks: int = 4,
        num_blocks: int = 5,
        num_heads: int = 8,
        num_basis: int = 32,
        cutoff: float = 10.0,
        basis_power: float = 1.6,
        chiral: bool = True,
        local_std: float | None = None,
    ):
        super().__init__()
        if bool(node_cardinalities) != bool(pair_cardinalities):
            raise ValueError(
                "node_cardinalities and pair_cardinalities go together: give both for graphs, neither for particles "
                f"that are all alike; got {tuple(node_cardinalities)} and {tuple(pair_cardinalities)}."
            )
        if local_std is not None and not local_std > 0:
            raise ValueError(f"local_std is a length and must be positive, or None; got {local_std}.")
        self.length_scale = length_scale
        self.vector_channels = vector_channels
        self.local_std = local_std
        self.trunk = None
        if node_cardinalities:
            self.trunk = GraphTrunk(
                tuple(node_cardinalities),
                tuple(pair_cardinalities),
                channels,
                pair_channels,
                num_trunk_blocks,
                num_heads,
            )
        self.noise_embedding = NoiseLevelEmbedding(channels)
        self.basis = GaussianBasis(num_basis, cutoff, basis_power)
        self.blocks = nn.ModuleList(
            GeometricBlock(
                channels,
                vector_channels,
                pair_channels,
                num_heads,
                num_basis,
                first=i == 0,
                knows_pairs=i > 0 or self.trunk is not None,
                chiral=chiral,
                last=i == num_blocks - 1,
            )
            for i in range(num_blocks)
        )

    @property
    def kind(self) -> Kind:
        """Conformers of molecular graphs, or particles that are all alike."""
        return "particles" if self.trunk is None else "conformers"

    def encode(self, graph: GraphBatch | None) -> Encoding | None:
        """Run the trunk: everything that depends neither on coordinates nor on the noise level.

        Raises:
            ValueError: there is a graph for a network without codes, or none for one with codes.
        """
        if (graph is None) != (self.trunk is None):
            raise ValueError(
                "This network was built without codes and takes the condition None."
                if self.trunk is None
                else "This network was built for graphs: give a GraphBatch as the condition."
            )
        if graph is None or self.trunk is None:
            return None
        padded = graph.padded
        nodes, pairs = self.trunk(graph.node_codes, graph.pair_codes, graph.mask if padded else None)
        return Encoding(nodes, pairs, graph.mask, graph.chiral_index, graph.chiral_sign, padded)

    def forward(
        self,
        x: Tensor,
        lambda_: Tensor,
        condition: GraphBatch | Encoding | None = None,
    ) -> Tensor:
        """Vector output (n, N, d), zero mean over the atoms of each sample, zero on padding.

        Args:
            x: noisy coordinates of unit variance, shape (n, N, d); d is 3 for graphs.
            lambda_: half log-SNR, shape (n,).
            condition: the graphs or, cheaper, their encoding, for n samples; None for a network without codes.

        Raises:
            ValueError: there is a graph for a network without codes, or none for one with codes, or the condition is
                that of another number of samples.
        """
        encoded = condition if isinstance(condition, Encoding) else self.encode(condition)
        code = empty_encoding(x) if encoded is None else encoded
        if len(code.mask) != len(x):
            raise ValueError(f"The condition is that of {len(code.mask)} samples; got {len(x)}.")
        mask = code.mask if code.padded else None
        alpha = torch.sigmoid(2 * lambda_).sqrt()[:, None, None]
        sigma = torch.sigmoid(-2 * lambda_).sqrt()[:, None, None]
        if code.copies > 1 and _at_one_level(lambda_):
            noise_level, nodes = self.noise_embedding(lambda_[:1]).unsqueeze(1), code.nodes
        else:
            noise_level, nodes = self.noise_embedding(lambda_).unsqueeze(1), of_samples(code.nodes, len(x))
        state = HeadState(
            scalars=nodes + noise_level,
            vectors=x.new_zeros(*x.shape, self.vector_channels),
            pairs=None if code.shares_pairs else code.pairs,  # copies share those of their graph
            positions=x * self.length_scale,
        )
        bias = softmax_bias(mask, x.dtype)
        size = self._output_size(lambda_)
        output = torch.zeros_like(x)
        for block in self.blocks:
            output = output + size * centre(block(state, noise_level, self.basis, code, bias), mask)
            state.positions = (alpha * x - sigma * output) * self.length_scale
        return output

    def _output_size(self, lambda_: Tensor) -> Tensor | float:
        """sigma / sqrt(sigma^2 + alpha^2 local_std^2), shape (n, 1, 1)."""
        if self.local_std is None:
            return 1.0
        return torch.sigmoid(-2 * (lambda_ + math.log(self.local_std))).sqrt()[:, None, None]


def _at_one_level(lambda_: Tensor) -> bool:
    """Whether all noise levels are alike, as in sampling, if that can be seen for nothing.

    A GPU would have to be waited for, a graph of operations to be broken, and in training they differ.
    """
    looks = lambda_.device.type == "cpu" and not torch.is_grad_enabled() and not torch.compiler.is_compiling()
    return looks and bool((lambda_ == lambda_[0]).all())
