"""The properties that the score network must have, in float32 and float64."""

import dataclasses

import pytest
import torch
from e3nn import o3
from e3nn.util.test import assert_equivariant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from molediff.networks.heavy_atoms import HeavyAtomNetwork
from molediff.networks.graph import GraphBatch
from molediff.molecules.graph import collate, mol_to_graph
from molediff.molecules.vocabulary import ORGANIC
from rdkit import Chem
import functools
from tests.networks.conftest import CHIRAL, dtype


def graphs(*smiles):
    return collate([mol_to_graph(Chem.AddHs(Chem.MolFromSmiles(s)), vocabulary=ORGANIC) for s in smiles])

@functools.cache
def built(dtype):
    torch.manual_seed(0)
    return HeavyAtomNetwork(ORGANIC.node_cardinalities, ORGANIC.pair_cardinalities, 1.4, 32, 16, 16, 16, 2, 3, 4, 16).eval()

@pytest.fixture
def network(dtype):
    n = built(dtype).to(dtype); n.zero_grad(); return n

PER_EXAMPLE = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LAMBDA = st.floats(-7, 7)
SEED = st.integers(0, 10_000)


def tolerance(dtype: torch.dtype) -> float:
    return 2e-4 if dtype == torch.float32 else 1e-9


def noise(graph: GraphBatch, seed: int) -> Tensor:
    """Unit noise on the atoms of `graph`, zero on padding."""
    x = torch.randn(*graph.mask.shape, 3, generator=torch.Generator().manual_seed(seed))
    return x * graph.mask.unsqueeze(-1)


def flipped(graph: GraphBatch) -> GraphBatch:
    """The mirror image of the graph: every stereocentre of the other hand."""
    return dataclasses.replace(graph, chiral_sign=-graph.chiral_sign)


@PER_EXAMPLE
@given(seed=SEED, lambda_=LAMBDA)
def test_equivariant_with_chirality_tags_as_pseudoscalars(
    network: HeavyAtomNetwork, dtype: torch.dtype, seed: int, lambda_: float
) -> None:
    graph = graphs(CHIRAL)
    assert len(graph.chiral_sign) == 8  # two stereocentres, four triples of neighbours each

    def function(points: Tensor, signs: Tensor) -> Tensor:
        given = dataclasses.replace(graph, chiral_sign=signs.flatten())
        return network(points[None], torch.tensor([lambda_]), given)[0]

    assert_equivariant(
        function,
        args_in=[noise(graph, seed)[0], graph.chiral_sign.to(dtype)[:, None]],
        irreps_in=["cartesian_points", o3.Irreps("0o")],
        irreps_out=[o3.Irreps("1o")],
        tolerance=tolerance(dtype),
    )


def test_reflection_without_flipping_the_tags_changes_the_output(network: HeavyAtomNetwork) -> None:
    graph, lambda_ = graphs(CHIRAL), torch.tensor([0.5])
    x = noise(graph, 1)
    mirrored = -network(-x, lambda_, graph)
    assert (network(x, lambda_, graph) - mirrored).abs().max() > 1e-3


def test_rotation_by_e3nn_rand_matrix(network: HeavyAtomNetwork, dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    graph, lambda_ = graphs(CHIRAL), torch.tensor([1.0])
    x, rotation = noise(graph, 2), o3.rand_matrix().to(dtype)
    turned = network(x @ rotation.T, lambda_, graph)
    torch.testing.assert_close(turned, network(x, lambda_, graph) @ rotation.T, atol=tolerance(dtype), rtol=0)


@PER_EXAMPLE
@given(seed=SEED, lambda_=LAMBDA)
def test_permutation(network: HeavyAtomNetwork, dtype: torch.dtype, seed: int, lambda_: float) -> None:
    graph, level = graphs(CHIRAL), torch.tensor([lambda_])
    x = noise(graph, seed)
    order = torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(seed))
    permuted = GraphBatch(
        node_codes=graph.node_codes[:, order],
        pair_codes=graph.pair_codes[:, order][:, :, order],
        mask=graph.mask,
        chiral_index=torch.argsort(order)[graph.chiral_index],
        chiral_sign=graph.chiral_sign,
    )
    torch.testing.assert_close(
        network(x[:, order], level, permuted),
        network(x, level, graph)[:, order],
        atol=tolerance(dtype),
        rtol=0,
    )


def test_output_is_centred_and_zero_on_padding(network: HeavyAtomNetwork, dtype: torch.dtype) -> None:
    graph = graphs(CHIRAL, "CO")
    output = network(noise(graph, 4), torch.tensor([0.0, 1.0]), graph)
    assert bool((output[~graph.mask] == 0).all())
    assert output.sum(1).abs().max() < tolerance(dtype)


@PER_EXAMPLE
@given(seed=SEED)
def test_independent_of_batch_mates_and_padding(
    network: HeavyAtomNetwork, dtype: torch.dtype, seed: int
) -> None:
    batch = graphs("CO", CHIRAL, "[NH3+]CC([O-])=O")
    level = torch.tensor([-2.0, 0.5, 3.0])
    x = noise(batch, seed)
    together = network(x, level, batch)
    for i, smiles in enumerate(["CO", CHIRAL, "[NH3+]CC([O-])=O"]):
        alone = graphs(smiles)
        size = alone.mask.shape[1]
        torch.testing.assert_close(
            network(x[i : i + 1, :size], level[i : i + 1], alone)[0],
            together[i, :size],
            atol=tolerance(dtype),
            rtol=0,
        )


@pytest.mark.parametrize("levels", [(-3.0, 3.0), (0.4, 0.4)], ids=["own levels", "one level"])
@pytest.mark.parametrize("smiles", [(CHIRAL,), (CHIRAL, "CO")], ids=["alone", "padded"])
@pytest.mark.parametrize("differentiates", [True, False])
def test_encoding_once_and_repeating_equals_repeating_the_graphs(
    network: HeavyAtomNetwork,
    dtype: torch.dtype,
    levels: tuple[float, float],
    smiles: tuple[str, ...],
    differentiates: bool,
) -> None:
    graph = graphs(*smiles)
    repeated = graph.repeat(3)
    x, level = noise(repeated, 5), torch.linspace(*levels, 3 * len(smiles))
    with torch.set_grad_enabled(differentiates):
        known = network.encode(graph).repeat(3)
        before = known.heavy.pairs.clone()
        shared, own = network(x, level, known), network(x, level, repeated)
    torch.testing.assert_close(shared, own, atol=tolerance(dtype), rtol=0)
    assert torch.equal(known.heavy.pairs, before)  # what is known is left as it was for the next evaluation


def test_copies_of_copies(network: HeavyAtomNetwork, dtype: torch.dtype) -> None:
    graph, level = graphs(CHIRAL, "CO"), torch.linspace(-1, 1, 8)
    x = noise(graph.repeat(4), 6)
    torch.testing.assert_close(
        network(x, level, network.encode(graph).repeat(2).repeat(2)),
        network(x, level, network.encode(graph).repeat(4)),
    )


@pytest.mark.parametrize(("copies", "rows"), [(2, 3), (4, 2), (2, 6)])
def test_a_condition_of_another_number_of_samples_is_refused(
    network: HeavyAtomNetwork, copies: int, rows: int
) -> None:
    known = network.encode(graphs(CHIRAL)).repeat(copies)
    x = torch.randn(rows, known.mask.shape[1], 3)
    with pytest.raises(ValueError, match=f"that of {copies} samples; got {rows}"):
        network(x, torch.zeros(rows), known)


@pytest.mark.parametrize("differentiates", [True, False])
def test_copies_under_autocast(network: HeavyAtomNetwork, differentiates: bool) -> None:
    network, graph, level = network.float(), graphs(CHIRAL, "CO"), torch.full((6,), 0.4)
    repeated = graph.repeat(3)
    x = noise(repeated, 5).float()
    exact = network(x, level.float(), repeated)
    with torch.autocast("cpu", torch.bfloat16), torch.set_grad_enabled(differentiates):
        shared = network(x, level.float(), network.encode(graph).repeat(3))
    assert shared.dtype == torch.float32
    assert (shared - exact).norm() < 0.02 * exact.norm()


def test_training_on_copies_learns_what_training_on_each_does(
    network: HeavyAtomNetwork, dtype: torch.dtype
) -> None:
    graph = graphs(CHIRAL, "CO")
    repeated = graph.repeat(2)
    x, level, gradients = noise(repeated, 7), torch.linspace(-2, 2, 4), []
    for known in (network.encode(graph).repeat(2), repeated):
        network.zero_grad()
        network(x, level, known).square().sum().backward()
        gradients.append(
            [p.grad.clone() if p.grad is not None else torch.zeros_like(p) for p in network.parameters()]
        )
    for shared, own in zip(*gradients, strict=True):
        torch.testing.assert_close(shared, own, atol=50 * tolerance(dtype), rtol=1e-3)


def test_gradients_against_finite_differences(network: HeavyAtomNetwork, dtype: torch.dtype) -> None:
    if dtype == torch.float32:
        network = network.double()  # finite differences need double precision; this checks the same weights
    torch.set_default_dtype(torch.float64)
    graph, level = graphs("[C@H](F)(O)N"), torch.tensor([0.3])
    x = noise(graph, 6).requires_grad_()
    torch.autograd.gradcheck(lambda y: network(y, level, graph), (x,), eps=1e-6, atol=1e-5, fast_mode=True)


@pytest.mark.parametrize("distance", [5.0, 10.0, 30.0])
def test_smooth_in_distance_also_beyond_the_last_basis_function(
    network: HeavyAtomNetwork, distance: float
) -> None:
    network = network.double()
    torch.set_default_dtype(torch.float64)
    graph, level = graphs("CO"), torch.tensor([0.0])
    x = noise(graph, 7)

    def output(step: float) -> Tensor:
        moved = x.clone()
        moved[0, 0, 0] = (distance + step) / network.length_scale
        return network(moved, level, graph)

    h = 1e-4
    left, right = (output(0) - output(-h)) / h, (output(h) - output(0)) / h
    assert (left - right).abs().max() < 1e-2  # a kink would show as a jump of the slope, whatever h


def test_lone_atom_does_not_move(network: HeavyAtomNetwork) -> None:
    graph = graphs("[H+]")
    output = network(torch.zeros(1, 1, 3), torch.tensor([0.0]), graph)
    assert bool((output == 0).all())


def test_coincident_atoms_give_finite_values_and_gradients(network: HeavyAtomNetwork) -> None:
    graph = graphs(CHIRAL)
    x = torch.zeros(1, graph.mask.shape[1], 3, requires_grad=True)
    output = network(x, torch.tensor([2.0]), graph)
    output.square().sum().backward()
    assert bool(output.isfinite().all())
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


def test_knows_the_graph(network: HeavyAtomNetwork) -> None:
    """Bond orders, charge, E/Z and hand all change the output at the same coordinates."""
    level = torch.tensor([0.0])
    for one, other in [
        ("C/C=C/C", "C/C=C\\C"),
        ("[C@H](F)(O)N", "[C@@H](F)(O)N"),
        ("C=CO", "CC=O"),
    ]:
        first, second = graphs(one), graphs(other)
        x = noise(first, 8)
        assert (network(x, level, first) - network(x, level, second)).abs().max() > 1e-4, one


def test_every_parameter_learns(network: HeavyAtomNetwork) -> None:
    graph = graphs(CHIRAL)
    network(noise(graph, 9), torch.tensor([0.5]), graph).square().sum().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not bool(p.grad.any())]
    assert silent == []


