"""A network that fills in graphs: which label a masked node has, and which edge joins two nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from molediff.networks.layers import CodeEmbedding, needed, softmax_bias
from molediff.networks.trunk import TrunkBlock

_MAX_SUM, _MAX_STEPS = 5, 9


@dataclass(frozen=True)
class GraphSizes:
    """How many nodes each of n graphs has, whose states are padded to one number N of nodes; and what else is known.

    Attributes:
        num_nodes: int64, shape (n,).
        width: N.
        properties: of each graph, in units of their spread, NaN where one is not told, shape (n, P); None: none is.
    """

    num_nodes: Tensor
    width: int
    properties: Tensor | None = None

    @property
    def mask(self) -> Tensor:
        """True for entries of a state that are not padding, shape (n, N (N + 1) / 2)."""
        return torch.arange(self.width * (self.width + 1) // 2, device=self.num_nodes.device) < (
            self.num_nodes * (self.num_nodes + 1) // 2
        ).unsqueeze(-1)

    def repeat(self, k: int) -> GraphSizes:
        """Each graph `k` times, copies next to each other."""
        properties = None if self.properties is None else self.properties.repeat_interleave(k, 0)
        return GraphSizes(self.num_nodes.repeat_interleave(k), self.width, properties)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> GraphSizes:
        """The same on `device`."""
        properties = (
            None if self.properties is None else self.properties.to(device, non_blocking=non_blocking)
        )
        return GraphSizes(self.num_nodes.to(device, non_blocking=non_blocking), self.width, properties)

    def rows(self, which: Tensor) -> GraphSizes:
        """Those graphs that are true in `which`, shape (n,)."""
        properties = None if self.properties is None else self.properties[which]
        return GraphSizes(self.num_nodes[which], self.width, properties)

    def told(self, which: Tensor | None) -> GraphSizes:
        """The same with those properties alone that are true in `which`, shape (n, P); None: with none."""
        if self.properties is None or which is None:
            return replace(self, properties=None)
        return replace(self, properties=self.properties.masked_fill(~which, float("nan")))


def num_nodes_of(num_entries: int) -> int:
    """The number N of nodes of states of N (N + 1) / 2 entries."""
    return int(((8 * num_entries + 1) ** 0.5 - 1) / 2)


def places(num_nodes: int, device: torch.device | None = None) -> Tensor:
    """Entry of a state that tells of each pair of nodes, int64, shape (N, N); the diagonal is the nodes themselves.

    A state is the lower triangle of the graph's matrix, row after row: 0, then (1, 0) and 1, then (2, 0), (2, 1) and 2.
    The first m nodes are its first m (m + 1) / 2 entries, whatever comes behind.
    """
    row = torch.arange(num_nodes, device=device)
    high, low = torch.maximum(row[:, None], row), torch.minimum(row[:, None], row)
    return high * (high + 1) // 2 + low


class GraphDenoiser(nn.Module):
    """Transformer on nodes and pairs of a graph that is known in part.

    States are lower triangles (see `places`): labels of nodes 0 .. num_labels - 1 on the diagonal, edges 0 (none) to
    num_edges - 1 below it; for both the mask is max(num_labels, num_edges). The output follows any permutation of the
    nodes, unless they are `ordered`. Beside labels and edges the network is told what takes many layers to count: at
    each node the sum of its known edges and how many are masked, for each pair the number of known edges between them,
    and the probabilities of random walks on known edges (Ma et al. 2023, GRIT), in which rings show.

    Args:
        num_labels: labels of nodes.
        num_edges: kinds of edges, "none" included; kind k adds k to the sum at a node.
        max_nodes: of a graph.
        channels: width of the node features.
        pair_channels: width of the pair features.
        num_blocks: attention blocks.
        num_heads: attention heads.
        num_walks: steps of the random walks.
        num_properties: numbers that a graph may be conditioned on, each of them told or not.
        ordered: tell each node its number, and each pair how far apart its nodes are numbered, for graphs whose nodes
            come in an order that means something, as that of a SMILES. The output follows no permutation then, but
            most of what an order fixes need not be drawn.
    """

    kind = "graphs"
    additions = ("properties.",)
    """Parameters that weights without them may begin a training: they change nothing until they are trained."""

    def __init__(
        self,
        num_labels: int,
        num_edges: int = 4,
        max_nodes: int = 9,
        channels: int = 128,
        pair_channels: int = 48,
        num_blocks: int = 6,
        num_heads: int = 8,
        num_walks: int = 8,
        num_properties: int = 0,
        ordered: bool = False,
    ) -> None:
        super().__init__()
        self.num_labels, self.num_edges, self.max_nodes = num_labels, num_edges, max_nodes
        self.mask_state = max(num_labels, num_edges)
        self.num_walks, self.num_properties, self.ordered = num_walks, num_properties, ordered
        numbers = (max_nodes,) if ordered else ()
        self.nodes = CodeEmbedding(
            (num_labels + 1, _MAX_SUM + 1, _MAX_SUM + 1, max_nodes, max_nodes + 1, *numbers), channels
        )
        self.pairs = CodeEmbedding((num_edges + 2, _MAX_STEPS + 2, *numbers), pair_channels)
        self.node_walks = nn.Linear(num_walks, channels, bias=False)
        self.pair_walks = nn.Linear(num_walks, pair_channels, bias=False)
        self.blocks = nn.ModuleList(TrunkBlock(channels, pair_channels, num_heads) for _ in range(num_blocks))
        self.node_out = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, num_labels))
        self.pair_ends = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, 2 * pair_channels))
        self.pair_norm = nn.LayerNorm(pair_channels)
        self.pair_mix = nn.Linear(pair_channels, 2 * pair_channels, bias=False)
        self.pair_out = nn.Linear(2 * pair_channels, num_edges)
        if num_properties:
            last = nn.Linear(channels, channels, bias=False)
            nn.init.zeros_(last.weight)
            self.properties = nn.Sequential(nn.Linear(2 * num_properties, channels), nn.SiLU(), last)

    def forward(self, x_t: Tensor, lambda_: Tensor, condition: GraphSizes | None = None) -> Tensor:
        """Logits of x_0.

        Args:
            x_t: states, int64, shape (n, T), T = N (N + 1) / 2; padding is ignored.
            lambda_: half the log-SNR (n,), which the network does not need.
            condition: sizes of the graphs; None: all have N nodes.

        Returns:
            Shape (n, T, mask_state), minus infinity for categories that a node or an edge cannot have.
        """
        num_nodes = num_nodes_of(x_t.shape[1])
        sizes = condition or GraphSizes(x_t.new_full((len(x_t),), num_nodes), num_nodes)
        place = places(num_nodes, x_t.device)
        real = torch.arange(num_nodes, device=x_t.device) < sizes.num_nodes.unsqueeze(-1)
        nodes, pairs = self._embedded(x_t[:, place], real, sizes.num_nodes)
        if self.num_properties:
            nodes = nodes + self._told(sizes).unsqueeze(1)
        bias = softmax_bias(needed(real), nodes.dtype)
        for block in self.blocks:
            nodes, pairs = block(nodes, pairs, bias)
        ends = self.pair_ends(nodes)
        mixed = self.pair_mix(self.pair_norm(pairs + pairs.transpose(1, 2)))
        edges = self.pair_out(nn.functional.silu(mixed + ends.unsqueeze(2) + ends.unsqueeze(1)))
        row, column = torch.tril_indices(num_nodes, num_nodes, device=x_t.device)
        return torch.where(
            (row == column)[:, None],
            self._widened(self.node_out(nodes))[:, row],
            self._widened(edges)[:, row, column],
        )

    def _told(self, sizes: GraphSizes) -> Tensor:
        """What is added to all nodes of graphs with these properties, shape (n, channels)."""
        values = sizes.properties
        if values is None:
            values = torch.full(
                (len(sizes.num_nodes), self.num_properties), float("nan"), device=sizes.num_nodes.device
            )
        told = ~values.isnan()
        features = torch.cat([values.nan_to_num(0.0), told.to(values.dtype)], -1)
        added: Tensor = self.properties(features.to(self.node_walks.weight.dtype))
        return added

    def _widened(self, logits: Tensor) -> Tensor:
        missing = self.mask_state - logits.shape[-1]
        return nn.functional.pad(logits.float(), (0, missing), value=float("-inf"))

    def _embedded(self, matrix: Tensor, real: Tensor, num_nodes: Tensor) -> tuple[Tensor, Tensor]:
        """Features of nodes and pairs from the symmetric matrix of a state (n, N, N)."""
        both = real.unsqueeze(1) & real.unsqueeze(2)
        eye = torch.eye(matrix.shape[1], dtype=torch.bool, device=matrix.device)
        masked = (matrix == self.mask_state) & both & ~eye
        edges = matrix.masked_fill(masked | eye | ~both, 0)
        known = (edges > 0).float()
        labels = matrix.diagonal(dim1=1, dim2=2).masked_fill(~real, 0)
        codes = [
            labels.masked_fill(labels == self.mask_state, self.num_labels),
            edges.sum(-1).clamp(max=_MAX_SUM),
            (edges > 0).sum(-1).clamp(max=_MAX_SUM),
            masked.sum(-1),
            num_nodes.unsqueeze(-1).expand_as(labels),
        ]
        number = torch.arange(matrix.shape[1], device=matrix.device)
        if self.ordered:
            codes.append(number.expand_as(labels))
        codes = [code.masked_fill(~real, 0) for code in codes]
        walks = self._walks(known)
        nodes = self.nodes(torch.stack(codes, -1)) + self.node_walks(
            walks.diagonal(dim1=2, dim2=3).transpose(1, 2)
        )
        kinds = edges.masked_fill(masked, self.num_edges).masked_fill(eye, self.num_edges + 1)
        pair_codes = [kinds, self._steps(known)]
        if self.ordered:
            pair_codes.append((number[:, None] - number).abs().expand_as(kinds))
        pairs = self.pairs(torch.stack(pair_codes, -1)) + self.pair_walks(walks.permute(0, 2, 3, 1))
        return nodes, pairs

    def _walks(self, known: Tensor) -> Tensor:
        """Weights of walks from one node to another in 1, 2, ... steps, symmetric, shape (n, num_walks, N, N)."""
        # Divided by the root of both degrees, not by one: the same for both directions, as an edge is.
        scale = known.sum(-1).clamp(min=1).rsqrt()
        step = known * scale.unsqueeze(1) * scale.unsqueeze(2)
        walks = [step]
        for _ in range(self.num_walks - 1):
            walks.append(walks[-1] @ step)
        return torch.stack(walks, 1)

    def _steps(self, known: Tensor) -> Tensor:
        """Fewest known edges between two nodes, int64; one more than the most told apart where no path is known."""
        reached = torch.eye(known.shape[1], device=known.device).expand_as(known)
        steps = (1 - reached).long()
        for _ in range(_MAX_STEPS):
            reached = ((reached @ known + reached) > 0).float()
            steps = steps + (reached == 0)
        return steps
