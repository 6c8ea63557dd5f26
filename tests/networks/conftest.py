"""A small network with random weights, and real molecular graphs."""

from collections.abc import Iterator

import pytest
import torch
from rdkit import Chem

from molediff.molecules.graph import collate, mol_to_graph
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Iterator[torch.dtype]:
    """Run the test in this default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(before)


@pytest.fixture
def network(dtype: torch.dtype) -> EquivariantNetwork:
    torch.manual_seed(0)
    network = EquivariantNetwork(
        NODE_CARDINALITIES,
        PAIR_CARDINALITIES,
        length_scale=1.4,
        channels=32,
        vector_channels=16,
        pair_channels=16,
        num_trunk_blocks=2,
        num_blocks=3,
        num_heads=4,
        num_basis=16,
    )
    return network.to(dtype).eval()


def graphs(*smiles: str) -> GraphBatch:
    """One padded batch of the molecules `smiles`, hydrogens added."""
    return collate([mol_to_graph(Chem.AddHs(Chem.MolFromSmiles(s))) for s in smiles])


CHIRAL = "C[C@H](O)[C@@H](F)/C=C/N"
