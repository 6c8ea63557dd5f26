"""The network that fills in graphs follows permutations and does not see padding."""

import pytest
import torch

from molediff.networks.graph_denoiser import GraphDenoiser, GraphSizes, num_nodes_of, places

LABELS, EDGES = 5, 4


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return GraphDenoiser(
        LABELS, EDGES, max_nodes=6, channels=32, pair_channels=16, num_blocks=2, num_heads=4
    ).eval()


def states(num, num_nodes, share=0.4):
    generator = torch.Generator().manual_seed(3)
    x = torch.randint(0, EDGES, (num, num_nodes * (num_nodes + 1) // 2), generator=generator)
    return x.masked_fill(torch.rand(x.shape, generator=generator) < share, max(LABELS, EDGES))


def permuted(values, order):
    """States or logits (n, T, ...) with the nodes renumbered: new node i is old node order[i]."""
    num_nodes = len(order)
    matrix = values[:, places(num_nodes)][:, order][:, :, order]
    row, column = torch.tril_indices(num_nodes, num_nodes)
    return matrix[:, row, column]


def test_the_output_follows_any_permutation_of_the_nodes(network):
    x, lambda_ = states(4, 5), torch.zeros(4)
    order = torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        found, expected = network(permuted(x, order), lambda_), permuted(network(x, lambda_), order)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_padding_and_batch_mates_change_nothing(network):
    x, lambda_ = states(1, 4), torch.zeros(2)
    wide = torch.cat([torch.cat([x, torch.full((1, 11), 2)], 1), states(1, 6)])
    with torch.no_grad():
        alone = network(x, lambda_[:1])
        together = network(wide, lambda_, GraphSizes(torch.tensor([4, 6]), 6))
    torch.testing.assert_close(together[:1, :10], alone, atol=1e-5, rtol=1e-4)


def test_an_ordered_network_tells_numberings_apart_and_does_not_see_padding():
    torch.manual_seed(0)
    ordered = GraphDenoiser(LABELS, EDGES, 6, 32, 16, num_blocks=2, num_heads=4, ordered=True).eval()
    x, lambda_ = states(1, 4), torch.zeros(2)
    order = torch.tensor([3, 0, 2, 1])
    wide = torch.cat([torch.cat([x, torch.full((1, 11), 2)], 1), states(1, 6)])
    with torch.no_grad():
        alone = ordered(x, lambda_[:1])
        turned = ordered(permuted(x, order), lambda_[:1])
        together = ordered(wide, lambda_, GraphSizes(torch.tensor([4, 6]), 6))
    assert (turned - permuted(alone, order)).nan_to_num().abs().max() > 0.1
    torch.testing.assert_close(together[:1, :10], alone, atol=1e-5, rtol=1e-4)


def test_categories_that_an_entry_cannot_have_are_ruled_out(network):
    with torch.no_grad():
        logits = network(states(2, 3), torch.zeros(2))
    is_node = torch.tensor([True, False, True, False, False, True])
    assert logits.shape == (2, 6, max(LABELS, EDGES))
    assert logits[:, is_node].isfinite().all()
    assert logits[:, ~is_node, :EDGES].isfinite().all()
    assert logits[:, ~is_node, EDGES:].isneginf().all()


def test_the_first_nodes_are_the_first_entries():
    assert places(3).tolist() == [[0, 1, 3], [1, 2, 4], [3, 4, 5]]
    assert [num_nodes_of(entries) for entries in (1, 3, 6, 45)] == [1, 2, 3, 9]
    mask = GraphSizes(torch.tensor([1, 3]), 3).mask
    assert mask.tolist() == [[True] + 5 * [False], 6 * [True]]


def test_walks_and_steps_see_known_edges_alone(network):
    known = torch.tensor([[[0.0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]])
    assert network._steps(known)[0].tolist() == [[0, 1, 2, 10], [1, 0, 1, 10], [2, 1, 0, 10], [10, 10, 10, 0]]
    walks = network._walks(known)[0]
    torch.testing.assert_close(walks[1, 0, 2], torch.tensor(0.5))
    assert walks[0, 0, 2] == walks[:, 3].abs().sum() == 0


def test_a_lone_node_has_a_label(network):
    with torch.no_grad():
        assert network(torch.tensor([[5]]), torch.zeros(1)).isfinite().all()


def test_properties_change_nothing_before_they_are_trained_and_then_only_where_they_are_told(network):
    torch.manual_seed(0)
    words = {"max_nodes": 6, "channels": 32, "pair_channels": 16, "num_blocks": 2, "num_heads": 4}
    asked = GraphDenoiser(LABELS, EDGES, num_properties=2, **words).eval()
    missing, unexpected = asked.load_state_dict(network.state_dict(), strict=False)
    assert all(name.startswith(GraphDenoiser.additions) for name in missing)
    assert not unexpected
    x, lambda_, num = states(3, 5), torch.zeros(3), torch.full((3,), 5)
    told = GraphSizes(num, 5, torch.tensor([[0.5, float("nan")], [1.0, -1.0], [float("nan")] * 2]))
    with torch.no_grad():
        plain = network(x, lambda_, GraphSizes(num, 5))
        torch.testing.assert_close(asked(x, lambda_, told), plain)
        asked.properties[-1].weight.normal_()
        found, without = asked(x, lambda_, told), asked(x, lambda_, told.told(None))
        torch.testing.assert_close(found[2], without[2])
        assert not torch.allclose(found[0], without[0])
        once = asked(x, lambda_, told.told(torch.tensor([[True, False]] * 3)))
        torch.testing.assert_close(once[0], found[0])
        assert not torch.allclose(once[1], found[1])
