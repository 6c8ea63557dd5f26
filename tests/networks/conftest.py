"""Small networks with random weights, and real molecular graphs."""

import functools
from collections.abc import Iterator

import pytest
import torch
from rdkit import Chem
from torch import nn

from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.networks.contacts import ContactMessage
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch
from molediff.networks.heavy_atoms import HeavyAtomNetwork
from molediff.networks.tensor_field import TensorFieldNetwork
from molediff.networks.turns import TurnHead


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Iterator[torch.dtype]:
    """Run the test in this default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(before)


SIZES = {
    "length_scale": 1.4, "channels": 32, "pair_channels": 16, "num_trunk_blocks": 2, "num_heads": 4, "num_basis": 16,
}  # fmt: skip


@functools.cache
def built(kind: type[EquivariantNetwork], dtype: torch.dtype, with_more: bool = False) -> EquivariantNetwork:
    """One network of each kind and type: e3nn takes long to build one."""
    torch.manual_seed(0)
    more = {"vector_channels": 16, "num_blocks": 3}
    if kind is TensorFieldNetwork:
        more = {"vector_channels": 4, "message_channels": 4, "num_blocks": 2}
    if kind is HeavyAtomNetwork:
        more["hydrogen_channels"] = 24
        if with_more:
            more |= {"contact_reach": 4.5, "num_turns": 2}
    network = kind(NODE_CARDINALITIES, PAIR_CARDINALITIES, **SIZES, **more).eval()  # type: ignore[arg-type]
    learn_what_begins_at_zero(network)
    return network


def learn_what_begins_at_zero(network: nn.Module) -> None:
    """Give what a network of heavy atoms begins without, messages along contacts and turns, random weights."""
    for module in network.modules():
        if isinstance(module, ContactMessage):
            for layer in (module.force, module.to_hydrogen, module.to_scalars):
                nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        if isinstance(module, TurnHead):
            nn.init.normal_(module.gate[-1].weight, std=0.1)


@pytest.fixture(
    params=[
        (EquivariantNetwork, False),
        (TensorFieldNetwork, False),
        (HeavyAtomNetwork, False),
        (HeavyAtomNetwork, True),
    ],
    ids=["equivariant", "tensor_field", "heavy_atoms", "contacts_and_turns"],
)
def network(request: pytest.FixtureRequest, dtype: torch.dtype) -> EquivariantNetwork:
    """Each of the networks for graphs, in the default type of the test and without gradients."""
    kind, with_more = request.param
    network = built(kind, dtype, with_more).to(dtype)
    network.zero_grad()
    return network


def graphs(*smiles: str) -> GraphBatch:
    """One padded batch of the molecules `smiles`, hydrogens added."""
    return collate([mol_to_graph(Chem.AddHs(Chem.MolFromSmiles(s))) for s in smiles])


CHIRAL = "C[C@H](O)[C@@H](F)/C=C/N"
