"""Small networks with random weights, and real molecular graphs."""

import functools
from collections.abc import Iterator

import pytest
import torch
from rdkit import Chem

from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch
from molediff.networks.heavy_atoms import HeavyAtomNetwork
from molediff.networks.tensor_field import TensorFieldNetwork


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
def built(kind: type[EquivariantNetwork], dtype: torch.dtype) -> EquivariantNetwork:
    """One network of each kind and type: e3nn takes long to build one."""
    torch.manual_seed(0)
    more = {"vector_channels": 16, "num_blocks": 3}
    if kind is TensorFieldNetwork:
        more = {"vector_channels": 4, "message_channels": 4, "num_blocks": 2}
    if kind is HeavyAtomNetwork:
        more["hydrogen_channels"] = 24
    return kind(NODE_CARDINALITIES, PAIR_CARDINALITIES, **SIZES, **more).eval()  # type: ignore[arg-type]


@pytest.fixture(
    params=[EquivariantNetwork, TensorFieldNetwork, HeavyAtomNetwork],
    ids=["equivariant", "tensor_field", "heavy_atoms"],
)
def network(request: pytest.FixtureRequest, dtype: torch.dtype) -> EquivariantNetwork:
    """Each of the networks for graphs, in the default type of the test and without gradients."""
    network = built(request.param, dtype).to(dtype)
    network.zero_grad()
    return network


def graphs(*smiles: str) -> GraphBatch:
    """One padded batch of the molecules `smiles`, hydrogens added."""
    return collate([mol_to_graph(Chem.AddHs(Chem.MolFromSmiles(s))) for s in smiles])


CHIRAL = "C[C@H](O)[C@@H](F)/C=C/N"
