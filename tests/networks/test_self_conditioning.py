"""A network that looks at an earlier estimate of the clean structure: what that may and may not change."""

from __future__ import annotations

import pytest
import torch
from e3nn import o3
from torch import nn

from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES
from tests.networks.conftest import CHIRAL, SIZES, graphs

LEVEL = torch.tensor([0.3, -1.0])


def made(**more: bool) -> EquivariantNetwork:
    torch.manual_seed(0)
    sizes = {"vector_channels": 16, "num_blocks": 2, **SIZES}
    return EquivariantNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, **sizes, **more).eval()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def stirred() -> EquivariantNetwork:
    network = made(self_conditioning=True)
    nn.init.normal_(network.previous_radial.weight)
    return network


def points(seed: int) -> torch.Tensor:
    graph = graphs(CHIRAL, "CO")
    x = torch.randn(*graph.mask.shape, 3, generator=torch.Generator().manual_seed(seed))
    return x * graph.mask.unsqueeze(-1)


@torch.no_grad()
def test_begins_as_the_network_without_it() -> None:
    graph, plain, network = graphs(CHIRAL, "CO"), made(), made(self_conditioning=True)
    expected = plain(points(0), LEVEL, graph)
    assert torch.equal(network(points(0), LEVEL, graph), expected)
    assert torch.equal(network(points(0), LEVEL, graph, points(1)), expected)
    assert {*network.state_dict()} - {*plain.state_dict()} == {"previous_radial.weight"}


def test_learns_of_the_estimate_from_the_first_step() -> None:
    network = made(self_conditioning=True)
    network(points(0), LEVEL, graphs(CHIRAL, "CO"), points(1)).square().sum().backward()
    assert bool(network.previous_radial.weight.grad.abs().max() > 0)  # type: ignore[union-attr]


@torch.no_grad()
def test_copies_have_estimates_of_their_own(stirred: EquivariantNetwork) -> None:
    graph = graphs(CHIRAL, "CO")
    known, previous = stirred.encode(graph).repeat(2), torch.cat([points(1), points(2)])[[0, 2, 1, 3]]
    x, level = points(0).repeat_interleave(2, dim=0), LEVEL.repeat_interleave(2)
    output = stirred(x, level, known, previous)
    for copy, seed in enumerate((1, 2)):
        alone = stirred(points(0), LEVEL, graph, points(seed))
        torch.testing.assert_close(output[copy::2], alone, atol=2e-5, rtol=0)


@torch.no_grad()
def test_heeds_the_shape_of_the_estimate_and_not_its_place(stirred: EquivariantNetwork) -> None:
    graph, x, previous, rotation = graphs(CHIRAL, "CO"), points(0), points(1), o3.rand_matrix()
    output = stirred(x, LEVEL, graph, previous)
    assert (output - stirred(x, LEVEL, graph)).abs().max() > 0.01
    torch.testing.assert_close(stirred(x, LEVEL, graph, previous @ rotation.T + 1), output, atol=2e-4, rtol=0)
    torch.testing.assert_close(
        stirred(x @ rotation.T, LEVEL, graph, previous), output @ rotation.T, atol=2e-4, rtol=0
    )


@torch.no_grad()
def test_batch_mates_and_padding_do_not_matter(stirred: EquivariantNetwork) -> None:
    x, previous, alone = points(0)[1:, :6], points(1)[1:, :6], graphs("CO")
    together = stirred(points(0), LEVEL, graphs(CHIRAL, "CO"), points(1))
    torch.testing.assert_close(stirred(x, LEVEL[1:], alone, previous)[0], together[1, :6], atol=2e-4, rtol=0)


def test_is_for_graphs() -> None:
    with pytest.raises(ValueError, match="self_conditioning needs pair features"):
        EquivariantNetwork(self_conditioning=True)
