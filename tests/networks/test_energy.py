"""Energies that the network tells: those of the shape and of the molecule, whatever else is in the batch."""

import pytest
import torch
from e3nn import o3
from torch import Tensor

from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch
from molediff.networks.heavy_atoms import HeavyAtomNetwork
from tests.networks.conftest import CHIRAL, SIZES, graphs, learn_what_begins_at_zero

MOLECULES = (CHIRAL, "OCC(=O)N", "CCO")
LAMBDA = 2.2


@pytest.fixture(scope="module", params=[{}, {"contact_reach": 4.5, "num_turns": 2}], ids=["plain", "turns"])
def network(request: pytest.FixtureRequest) -> HeavyAtomNetwork:
    """One with random weights, in double precision."""
    torch.manual_seed(0)
    sizes = {**SIZES, "vector_channels": 16, "num_blocks": 2, "hydrogen_channels": 24, **request.param}
    made = HeavyAtomNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, gives_energies=True, **sizes)
    learn_what_begins_at_zero(made)
    return made.double().eval().requires_grad_(False)


def drawn(batch: GraphBatch, copies: int = 1) -> tuple[Tensor, Tensor]:
    """Points, one set of random numbers for each atom of each copy, and noise levels."""
    x = torch.randn(
        len(batch.mask), copies, *batch.mask.shape[1:], 3, generator=torch.Generator().manual_seed(3)
    )
    x = (x.double() * batch.mask[:, None, :, None]).flatten(0, 1)
    return x, torch.full((len(x),), LAMBDA, dtype=torch.double)


def test_turned_shifted_and_mirrored_they_are_the_same(network: HeavyAtomNetwork):
    batch = graphs("OCC(=O)N")
    x, lambda_ = drawn(batch)
    turn = o3.rand_matrix().double()
    _, before = network.with_energies(x, lambda_, batch)
    for moved in (x @ turn.T, x + 0.7, x * x.new_tensor([1.0, 1.0, -1.0])):
        torch.testing.assert_close(network.with_energies(moved, lambda_, batch)[1], before)


def test_they_are_those_of_the_estimate_that_the_call_gives(network: HeavyAtomNetwork):
    batch = graphs(*MOLECULES)
    x, lambda_ = drawn(batch)
    output, energies = network.with_energies(x, lambda_, batch)
    torch.testing.assert_close(output, network(x, lambda_, batch))
    assert energies.shape == (3,)


def test_an_error_of_theirs_does_not_move_atoms(network: HeavyAtomNetwork, monkeypatch: pytest.MonkeyPatch):
    given = []
    monkeypatch.setattr(network.energy, "forward", lambda *read: given.append(read[4]) or read[4].sum((1, 2)))
    x, lambda_ = drawn(graphs("CCO"))
    output, _ = network.with_energies(x.requires_grad_(), lambda_, graphs("CCO"))
    assert output.requires_grad
    assert not given[0].requires_grad


def test_neither_the_others_nor_copies_matter(network: HeavyAtomNetwork):
    batch = graphs(*MOLECULES)
    x, lambda_ = drawn(batch, copies=2)
    _, together = network.with_energies(x, lambda_, network.encode(batch).repeat(2))
    for row, smiles in enumerate(MOLECULES):
        alone = graphs(smiles)
        own = x[2 * row : 2 * row + 2, : alone.mask.shape[1]]
        _, apart = network.with_energies(own[:1], lambda_[:1], alone)
        _, both = network.with_energies(own, lambda_[:2], network.encode(alone).repeat(2))
        torch.testing.assert_close(both, together[2 * row : 2 * row + 2])
        torch.testing.assert_close(apart[0], together[2 * row])


def test_two_shapes_have_two(network: HeavyAtomNetwork):
    x, lambda_ = drawn(graphs("CCO"), copies=2)
    _, energies = network.with_energies(x, lambda_, network.encode(graphs("CCO")).repeat(2))
    assert float((energies[0] - energies[1]).abs()) > 1e-6


def test_without_hydrogens_or_neighbours_there_are_some_too(network: HeavyAtomNetwork):
    for smiles in ("FC(F)(F)F", "[H][H]"):
        batch = graphs(smiles)
        x, lambda_ = drawn(batch)
        assert bool(network.with_energies(x, lambda_, batch)[1].isfinite().all())


def test_a_network_without_them_says_how_to_have_them():
    sizes = {**SIZES, "vector_channels": 16, "num_blocks": 1, "hydrogen_channels": 24}
    plain = HeavyAtomNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, **sizes)
    x, lambda_ = drawn(graphs("CCO"))
    with pytest.raises(ValueError, match="build it with gives_energies=True"):
        plain.with_energies(x.float(), lambda_.float(), graphs("CCO"))
