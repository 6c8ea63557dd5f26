"""AIMNet2 for batches of graphs, as a network in training has them. Needs `pip install 'molediff[aimnet2]'`."""

from __future__ import annotations

import torch
from torch import Tensor

from molediff.molecules.energies.aimnet2 import KCAL_PER_EV
from molediff.molecules.energies.aimnet2_model import load_aimnet2
from molediff.molecules.graph.vocabulary import MAX_CHARGE, ORGANIC, Vocabulary
from molediff.networks.graph import GraphBatch


class AIMNet2Potential:
    """Energies and forces of structures of the graphs of a batch.

    Args:
        vocabulary: what the codes of the graphs mean.

    Raises:
        ImportError: AIMNet2 is not installed.
    """

    def __init__(self, vocabulary: Vocabulary = ORGANIC) -> None:
        self._elements = torch.tensor([0, *vocabulary.elements])
        load_aimnet2()

    def __call__(self, places: Tensor, graphs: GraphBatch) -> tuple[Tensor, Tensor]:
        """Energies (n,) in kcal/mol and forces (n, N, 3) in kcal/mol/Angstrom.

        Args:
            places: in Angstrom, shape (n, N, 3): n / B structures of each graph, next to each other.
            graphs: B of them.
        """
        copies = len(places) // graphs.num_graphs
        numbers = self._elements.to(places.device)[graphs.node_codes[..., 0]]
        charges = ((graphs.node_codes[..., 1] - (MAX_CHARGE + 1)) * graphs.mask).sum(1).float()
        energies, forces = load_aimnet2(places.device)(
            numbers.repeat_interleave(copies, 0), charges.repeat_interleave(copies, 0), places.float()
        )
        return energies * KCAL_PER_EV, forces * KCAL_PER_EV
