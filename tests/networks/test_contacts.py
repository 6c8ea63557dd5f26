"""What hydrogens meet in space."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from molediff.networks.contacts import Contacts
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES
from molediff.networks.heavy_atoms import HeavyAtomNetwork
from molediff.networks.hydrogens import Split
from tests.networks.conftest import SIZES, graphs, learn_what_begins_at_zero

REACH = 4.5


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31))
def test_they_are_the_near_atoms_more_than_three_bonds_away(seed: int):
    graph = graphs("CCCCC", "CO", "CC(C)C.O", "[H][H]")
    split = Split.of(graph)
    generator = torch.Generator().manual_seed(seed)
    positions = 3.0 * torch.randn(8, graph.mask.shape[1], 3, generator=generator)  # two samples of each
    order = split.order.repeat_interleave(2, dim=0)
    places = positions.gather(1, order.unsqueeze(-1).expand(-1, -1, 3))
    contacts = Contacts.within(REACH, places, split.far)

    width, num_heavy = places.shape[1], split.heavy.shape[1]
    num_hydrogens = width - num_heavy
    found = set()
    for hydrogen, place, other in zip(contacts.hydrogen, contacts.place, contacts.other, strict=True):
        sample = int(place) // width
        assert int(hydrogen) == sample * num_hydrogens + int(place) % width - num_heavy
        assert int(other) // width == sample
        found.add((sample, int(order.flatten()[place]), int(order.flatten()[other])))
    bonds = graph.pair_codes[..., 1] - 1
    expected = set()
    for sample in range(8):
        b = sample // 2
        hydrogens = split.carried[b][split.carried_mask[b]].tolist()
        for i in hydrogens:
            for j in graph.mask[b].nonzero()[:, 0].tolist():
                is_far = i != j and not 1 <= int(bonds[b, i, j]) <= 3
                if is_far and torch.dist(positions[sample, i], positions[sample, j]) < REACH:
                    expected.add((sample, i, j))
    assert found == expected
    assert len(contacts.hydrogen) == len(expected)
    is_heavy = contacts.other % width < num_heavy
    assert not bool(is_heavy[len(contacts.heavy) :].any())
    other = contacts.other[: len(contacts.heavy)]
    assert torch.equal(contacts.heavy, other // width * num_heavy + other % width)


def test_closeness_falls_from_one_to_zero():
    split = Split.of(graphs("CCCCC"))
    num_heavy, width = split.heavy.shape[1], split.mask.shape[1]
    first = torch.nonzero(split.far[0, 0, num_heavy:])[0, 0] + num_heavy
    places = 100.0 * torch.arange(1.0, width + 1).view(1, -1, 1) * torch.ones(3)  # nothing near anything
    for distance, expected in ((1e-4, 1.0), (REACH / 2, (63 / 64) ** 2), (REACH - 1e-3, 0.0)):
        places[0, first] = places[0, num_heavy] + torch.tensor([distance, 0.0, 0.0])
        contacts = Contacts.within(REACH, places, split.far)
        assert contacts.closeness.flatten().tolist() == pytest.approx([expected] * 2, abs=1e-3)
    places[0, first] = places[0, num_heavy] + torch.tensor([REACH + 1e-3, 0.0, 0.0])
    assert len(Contacts.within(REACH, places, split.far).hydrogen) == 0


def with_and_without() -> tuple[HeavyAtomNetwork, HeavyAtomNetwork]:
    """A network that knows contacts and one, else the same, that does not."""
    torch.manual_seed(0)
    sizes = {**SIZES, "vector_channels": 16, "num_blocks": 2, "hydrogen_channels": 24}
    network = HeavyAtomNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, contact_reach=REACH, **sizes)
    plain = HeavyAtomNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, **sizes)
    shared = {name: value for name, value in network.state_dict().items() if ".contacts." not in name}
    plain.load_state_dict(shared)
    return network.eval(), plain.eval()


def test_a_network_begins_as_it_is_without_them():
    network, plain = with_and_without()
    graph = graphs("CCCCC", "CO")
    x, lambda_ = torch.randn(2, graph.mask.shape[1], 3), torch.tensor([0.0, 2.0])
    with torch.no_grad():
        assert torch.equal(network(x, lambda_, graph), plain(x, lambda_, graph))


def test_a_hydrogen_moves_for_what_it_meets_and_the_other_does_too():
    network, plain = with_and_without()
    learn_what_begins_at_zero(network)
    graph = graphs("C.C")
    apart = torch.randn(1, 10, 3, generator=torch.Generator().manual_seed(1)) * 0.5
    mark = torch.zeros(1, 10, 1)
    mark[0, [1, *range(6, 10)]] = 1.0  # the second methane
    with torch.no_grad():
        for gap, meets in ((3.0, True), (30.0, False)):
            x = apart + gap * mark / network.length_scale
            x = x - x.mean(1, keepdim=True)
            outputs = (of(x, torch.tensor([2.0]), graph) for of in (network, plain))
            differ = (next(outputs) - next(outputs)).abs().amax((0, 2))
            assert bool((differ > 1e-4).all()) is meets


@pytest.mark.parametrize("reach", [0.0, -1.0, float("nan")])
def test_a_reach_that_is_no_length_is_refused(reach: float):
    with pytest.raises(ValueError, match="contact_reach"):
        HeavyAtomNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, contact_reach=reach)
