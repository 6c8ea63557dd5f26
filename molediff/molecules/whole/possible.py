"""What a graph that is known in part can still become: choices that no molecule could complete are ruled out.

Two facts hold of every molecule and are known without learning: no atom has more bonds than its valence, and all atoms
hang together. Ruling out what breaks them conditions each choice on them, one entry at a time; it is exact for a choice
alone, and as near to the model given a valid whole as its own estimates see ahead.
"""

from __future__ import annotations

import torch
from torch import Tensor

from molediff.core.discrete import CategoricalDenoiser
from molediff.molecules.whole.alphabet import NUM_EDGES, Alphabet
from molediff.networks.graph_denoiser import GraphSizes, places


def only_possible(
    denoiser: CategoricalDenoiser, alphabet: Alphabet, sizes: GraphSizes
) -> CategoricalDenoiser:
    """The denoiser with categories at minus infinity that no molecule of the alphabet could have there.

    An entry for which nothing is left keeps its estimate: the graph is no molecule already.

    Args:
        denoiser: of graphs of these sizes.
        alphabet: what they are of.
        sizes: of the graphs.
    """
    valence = torch.tensor([kind.valence for kind in alphabet.kinds], device=sizes.num_nodes.device)

    def possible(x_t: Tensor, t: Tensor) -> Tensor:
        logits = denoiser(x_t, t)
        allowed = possible_categories(x_t, valence, sizes)[..., : logits.shape[-1]]
        left = (allowed & ~logits.isneginf()).any(-1, keepdim=True)
        return logits.masked_fill(left & ~allowed, float("-inf"))

    return possible


def possible_categories(x_t: Tensor, valence: Tensor, sizes: GraphSizes) -> Tensor:
    """Which categories each entry can still have, bool, shape (n, T, number of labels).

    Args:
        x_t: states, int64, shape (n, T); the mask is the number of labels.
        valence: of each label, shape (number of labels,).
        sizes: of the graphs.
    """
    num_labels, width = len(valence), sizes.width
    matrix = x_t[:, places(width, x_t.device)]
    real = torch.arange(width, device=x_t.device) < sizes.num_nodes.unsqueeze(-1)
    pair = real.unsqueeze(1) & real.unsqueeze(2) & ~torch.eye(width, dtype=torch.bool, device=x_t.device)
    masked = (matrix == num_labels) & pair
    orders = torch.where(pair & ~masked, matrix, 0)
    used = orders.sum(-1)
    labels = matrix.diagonal(dim1=1, dim2=2)
    room = (
        torch.where(labels == num_labels, int(valence.max()), valence[labels.clamp(0, num_labels - 1)]) - used
    )
    most = torch.minimum(room.unsqueeze(1), room.unsqueeze(2))
    kinds = torch.arange(num_labels, device=x_t.device)
    bonds = (kinds <= most.unsqueeze(-1)) & (kinds < NUM_EDGES)
    bonds[..., 0] = ~_needed((orders > 0) | (masked & (most > 0)), masked)
    spare, spare_of_parts, num_parts, together = _parts(orders > 0, room.clamp_min(0) * real, real)
    # Parts still to be joined take two free valences a joint, and each of them at least one.
    joints = (num_parts - 1)[:, None, None, None]
    after = joints - (~together).long().unsqueeze(-1)
    own = spare_of_parts.unsqueeze(2) + spare_of_parts.unsqueeze(1) * ~together
    leaves = (spare[:, None, None, None] - 2 * kinds >= 2 * after) & (
        (own.unsqueeze(-1) - 2 * kinds >= 1) | (after == 0)
    )
    bonds = bonds & (leaves | (kinds == 0))
    lost = room.unsqueeze(-1) - (valence - used.unsqueeze(-1))
    atoms = (valence >= used.unsqueeze(-1)) & (spare[:, None, None] - lost >= 2 * joints[..., 0])
    atoms = atoms & ((spare_of_parts.unsqueeze(-1) - lost >= 1) | (joints[..., 0] == 0))
    row, column = torch.tril_indices(width, width, device=x_t.device)
    return torch.where((row == column)[:, None], atoms[:, row], bonds[:, row, column])


def _parts(bonded: Tensor, room: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What holds together by known bonds.

    Returns:
        Free valences of each graph (n,), and of the part of each atom (n, N); parts (n,); whether two atoms are in one
        part (n, N, N).
    """
    width = bonded.shape[1]
    reach = (bonded | torch.eye(width, dtype=torch.bool, device=bonded.device)).float()
    for _ in range(max(1, (width - 1).bit_length())):
        reach = ((reach @ reach) > 0).float()
    # Each atom counts as its share of its part.
    num_parts = (real / reach.sum(-1)).sum(-1).round().long()
    return room.sum(-1), (reach @ room.unsqueeze(-1).float()).squeeze(-1).long(), num_parts, reach > 0


def _needed(open_pairs: Tensor, masked: Tensor) -> Tensor:
    """Masked pairs (n, N, N) without which the graph of all open pairs would fall apart between their ends."""
    # No pair is needed whose ends are both open to a third node: few are left to look at.
    around = open_pairs.float()
    graph, a, b = (open_pairs & masked & ~((around @ around) > 0)).tril(-1).nonzero(as_tuple=True)
    found = torch.zeros_like(masked)
    if not len(graph):
        return found
    without, place = around[graph], torch.arange(len(graph), device=graph.device)
    without[place, a, b] = without[place, b, a] = 0
    reached = torch.nn.functional.one_hot(a, without.shape[1]).to(without).unsqueeze(1)
    num_reached = 0.0
    while (now := float(reached.sum())) > num_reached:
        num_reached = now
        reached = ((reached @ without + reached) > 0).to(without)
    apart = reached[place, 0, b] == 0
    found[graph[apart], a[apart], b[apart]] = True
    return found | found.transpose(1, 2)
