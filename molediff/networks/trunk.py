"""The graph trunk: what a molecule is, before any coordinate is known. It runs once a molecule."""

from __future__ import annotations

from torch import Tensor, nn

from molediff.networks.layers import CodeEmbedding, softmax_bias, split_heads
from molediff.networks.products import Linear


class GraphTrunk(nn.Module):
    """Transformer on the molecular graph: atoms attend to all atoms, biased by pair features which they update.

    Neither coordinates nor noise level enter, so that one pass serves all noise draws in training and all steps and
    conformers in sampling.

    Args:
        node_cardinalities: number of values of each categorical node code.
        pair_cardinalities: number of values of each categorical pair code.
        channels: width of the atom features.
        pair_channels: width of the pair features.
        num_blocks: number of attention blocks.
        num_heads: attention heads.
        dropout: share of what each layer adds that is dropped in training.
    """

    def __init__(
        self,
        node_cardinalities: tuple[int, ...],
        pair_cardinalities: tuple[int, ...],
        channels: int,
        pair_channels: int,
        num_blocks: int,
        num_heads: int,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.node_embedding = CodeEmbedding(node_cardinalities, channels)
        self.pair_embedding = CodeEmbedding(pair_cardinalities, pair_channels)
        self.blocks = nn.ModuleList(
            TrunkBlock(channels, pair_channels, num_heads, dropout) for _ in range(num_blocks)
        )
        self.node_norm = nn.LayerNorm(channels)

    def forward(self, node_codes: Tensor, pair_codes: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Codes (B, N, F), (B, N, N, G) -> features of atoms (B, N, channels) and pairs (B, N, N, pair_channels)."""
        nodes = self.node_embedding(node_codes)
        pairs = self.pair_embedding(pair_codes)
        bias = softmax_bias(mask, nodes.dtype)
        for block in self.blocks:
            nodes, pairs = block(nodes, pairs, bias)
        return self.node_norm(nodes), pairs


class TrunkBlock(nn.Module):
    """Pair update, pair-biased attention, feed-forward; each a residual with its norm in front."""

    def __init__(self, channels: int, pair_channels: int, num_heads: int, dropout: float = 0.0):
        super().__init__()
        self.num_heads = num_heads
        self.attention_norm = nn.LayerNorm(channels)
        self.qkv = Linear(channels, 3 * channels, bias=False)
        self.out = Linear(channels, channels)
        self.pair_ends = Linear(channels, 2 * pair_channels)
        self.pair_mix = Linear(pair_channels, pair_channels, bias=False)
        self.pair_bias = Linear(pair_channels, num_heads, bias=False)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(channels),
            Linear(channels, 2 * channels),
            nn.SiLU(),
            Linear(2 * channels, channels),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: Tensor, pairs: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        x = self.attention_norm(nodes)
        start, end = self.pair_ends(x).chunk(2, dim=-1)
        update = nn.functional.silu(self.pair_mix(pairs) + start.unsqueeze(2) + end.unsqueeze(1))
        # In the type of the update, so that under autocast the largest tensors stay in half precision.
        pairs = pairs.to(update.dtype) + self.dropout(update)
        q, k, v = (split_heads(part, self.num_heads) for part in self.qkv(x).chunk(3, dim=-1))
        logits = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + self.pair_bias(pairs).permute(0, 3, 1, 2)
        if bias is not None:
            logits = logits + bias
        mixed = (logits.softmax(dim=-1).to(v.dtype) @ v).transpose(1, 2).flatten(2)
        nodes = nodes + self.dropout(self.out(mixed))
        return nodes + self.dropout(self.feed_forward(nodes)), pairs
