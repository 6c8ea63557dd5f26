"""What is particular to the tensor-field network; test_equivariant.py holds what it shares with the other."""

import copy
import dataclasses
import sys
from pathlib import Path

import pytest
import torch
from e3nn import o3
from torch import Tensor

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch
from molediff.networks.pretrained import load_model
from molediff.networks.tensor_field import TensorFieldNetwork
from molediff.networks.tensor_product import AcceleratedPairProduct, Linear, PairProduct, both_parities
from molediff.networks.weights import save_weights
from tests.networks.conftest import CHIRAL, SIZES, graphs

SMALL = {**SIZES, "vector_channels": 2, "message_channels": 2, "num_trunk_blocks": 1, "num_blocks": 2}
LEVEL = torch.tensor([0.5])


def tensor_field(**changes: object) -> TensorFieldNetwork:
    torch.manual_seed(0)
    settings = {**SMALL, **changes}
    return TensorFieldNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def second_order() -> TensorFieldNetwork:
    return tensor_field(l_max=2)


def points(num_atoms: int) -> Tensor:
    return torch.randn(1, num_atoms, 3, generator=torch.Generator().manual_seed(1))


def asymmetry(network: TensorFieldNetwork, graph: GraphBatch | None) -> float:
    """How far the output is from turning with the input, under a rotation with a reflection that flips the tags."""
    x = points(5 if graph is None else graph.mask.shape[1]).to(next(network.parameters()))
    torch.manual_seed(2)
    improper = -o3.rand_matrix().to(x)
    mirrored = None if graph is None else dataclasses.replace(graph, chiral_sign=-graph.chiral_sign)
    difference = network(x @ improper.T, LEVEL.to(x), mirrored) - network(x, LEVEL.to(x), graph) @ improper.T
    return float(difference.detach().abs().max())


@pytest.mark.parametrize("dtype", [torch.float64], indirect=True)
@pytest.mark.parametrize("l_max", [2, 3])
def test_any_order_turns_and_reflects_with_its_input(dtype: torch.dtype, l_max: int) -> None:
    assert asymmetry(tensor_field(l_max=l_max), graphs(CHIRAL)) < 1e-12


def test_particles_without_codes(dtype: torch.dtype) -> None:
    network = TensorFieldNetwork(**{**SMALL, "chiral": False})  # type: ignore[arg-type]
    assert network(points(5).to(dtype), LEVEL.to(dtype)).abs().max() > 1e-3
    assert asymmetry(network, None) < (1e-5 if dtype == torch.float32 else 1e-12)


def test_both_parities_in_the_order_of_their_harmonics() -> None:
    assert str(both_parities(4, 2)) == "4x0e+4x0o+4x1o+4x1e+4x2e+4x2o"
    assert str(both_parities(4, 1, least="0o")) == "4x0o+4x1o+4x1e"


def test_messages_are_the_products_that_vector_calculus_knows() -> None:
    """A scalar s, pseudoscalar p, vector v and axial vector a meet 1 and the vector y = sqrt(3) r: ten products."""
    product = PairProduct(both_parities(1, 1), o3.Irreps("0e+1o"))
    y = 3**0.5 * torch.tensor([0.6, 0.0, 0.8])
    s, p = torch.tensor([2.0]), torch.tensor([-3.0])
    v, a = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, 1.0, -1.0])
    features = torch.cat([s, p, v, a]).expand(1, 2, 8)
    harmonics = torch.cat([torch.ones(1), y]).expand(1, 2, 2, 4)
    real = torch.tensor([1.0, 0.0])[:, None]  # the second is no atom
    weights = torch.arange(1.0, 11.0).expand(1, 2, 2, 10) * real
    got = product(features, harmonics, weights)[0, 0]
    # Each type of output has two or three products; e3nn scales them all so that inputs of unit size keep it.
    dot, cross = 3**-0.5, 2**-0.5
    expected = [
        1 * s, 2 * dot * (v @ y).view(1),
        3 * p, 4 * dot * (a @ y).view(1),
        5 * s * y, 6 * v, 7 * cross * torch.linalg.cross(a, y),
        8 * p * y, 9 * cross * torch.linalg.cross(v, y), 10 * a,
    ]  # fmt: skip
    torch.testing.assert_close(got.abs(), torch.cat(expected).abs())  # the sign of each is a convention


def test_linear_has_weights_of_the_size_they_act_with() -> None:
    torch.manual_seed(0)
    layer = Linear(o3.Irreps("100x0e+100x1o"), o3.Irreps("50x0e+50x1o"), biases=True)
    assert layer.weight.detach().std() == pytest.approx(0.1, rel=0.05)
    assert layer(torch.randn(64, 400)).detach().std() == pytest.approx(1.0, rel=0.05)
    x = torch.randn(100)
    own = layer(torch.cat([x, torch.zeros(300)]))[:50]
    torch.testing.assert_close(own, x @ layer.weight[: 100 * 50].view(100, 50))


def test_saved_in_half_precision_it_is_still_equivariant(
    second_order: TensorFieldNetwork, tmp_path: Path
) -> None:
    """The coefficients of e3nn are no weights: rounded to half precision they would break the symmetry by 1e-4."""
    settings = {
        "node_cardinalities": list(NODE_CARDINALITIES), "pair_cardinalities": list(PAIR_CARDINALITIES), **SMALL,
        "l_max": 2,
    }  # fmt: skip
    config = {
        "network": {"_target_": "molediff.networks.tensor_field.TensorFieldNetwork", **settings},
        "path": {"_target_": "molediff.core.paths.cosine_vp.CosineVP"},
        "target": {"_target_": "molediff.core.target.V"},
        "space": {"_target_": "molediff.core.geometry.space.ZeroCentreOfMass"},
        "scale": 1.4,
    }
    model = DiffusionModel(second_order, CosineVP(), V(), ZeroCentreOfMass(), 1.4)
    save_weights(tmp_path / "w.safetensors", model, {"config": config})
    loaded, _ = load_model(tmp_path / "w.safetensors")
    assert set(model.state_dict()) == {name for name, _ in model.named_parameters()}
    network = loaded.network
    assert isinstance(network, TensorFieldNetwork)
    graph = graphs(CHIRAL)
    x = points(graph.mask.shape[1])
    torch.testing.assert_close(network(x, LEVEL, graph), second_order(x, LEVEL, graph), rtol=0, atol=3e-3)
    assert asymmetry(network, graph) < 1e-5


def test_a_copy_is_a_network_of_its_own(second_order: TensorFieldNetwork) -> None:
    """As the moving average of the weights needs it."""
    graph = graphs("CO")
    x = points(graph.mask.shape[1])
    before = second_order(x, LEVEL, graph)
    twin = copy.deepcopy(second_order)
    assert torch.equal(twin(x, LEVEL, graph), before)
    assert set(twin.state_dict()) == {name for name, _ in twin.named_parameters()}
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(1.1)
    assert torch.equal(second_order(x, LEVEL, graph), before)
    assert not torch.equal(twin(x, LEVEL, graph), before)


def test_building_leaves_the_settings_of_e3nn_as_they_were() -> None:
    import e3nn

    before = e3nn.get_optimization_defaults()
    PairProduct(both_parities(1, 1), o3.Irreps("0e+1o"))
    assert e3nn.get_optimization_defaults() == before


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="l_max must be at least 1"):
        tensor_field(l_max=0)
    with pytest.raises(ValueError, match="one of e3nn, cuequivariance; got 'cuda'"):
        tensor_field(accelerator="cuda")
    with pytest.raises(ValueError, match="go together"):
        TensorFieldNetwork(NODE_CARDINALITIES, ())
    with pytest.raises(ValueError, match=r"points in space, \(n, N, 3\); got \(1, 5, 2\)"):
        TensorFieldNetwork(**{**SMALL, "num_blocks": 1})(torch.zeros(1, 5, 2), LEVEL)  # type: ignore[arg-type]


def test_a_missing_accelerator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuequivariance", None)
    with pytest.raises(ImportError, match="pip install cuequivariance-torch"):
        tensor_field(accelerator="cuequivariance")


@pytest.mark.filterwarnings("ignore:cuequivariance_ops_torch is not available")
@pytest.mark.parametrize("l_max", [1, 2])
def test_accelerated_products_are_those_of_e3nn(dtype: torch.dtype, l_max: int) -> None:
    pytest.importorskip("cuequivariance_torch")
    irreps, harmonics = both_parities(3, l_max), o3.Irreps.spherical_harmonics(l_max)
    plain, fast = PairProduct(irreps, harmonics), AcceleratedPairProduct(irreps, harmonics)
    assert (plain.num_weights, plain.irreps_out) == (fast.num_weights, fast.irreps_out)
    torch.manual_seed(0)
    inputs = [
        torch.randn(size, requires_grad=True)
        for size in [(2, 4, irreps.dim), (2, 4, 4, harmonics.dim), (2, 4, 4, plain.num_weights)]
    ]
    results = []
    for product in (plain, fast.to(dtype)):
        messages = product(*inputs)
        results.append([messages, *torch.autograd.grad(messages.square().sum(), inputs)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-4 if dtype == torch.float32 else 1e-6)


@pytest.mark.filterwarnings("ignore:cuequivariance_ops_torch is not available")
def test_the_accelerated_network_has_the_weights_and_the_output_of_the_plain_one(
    second_order: TensorFieldNetwork,
) -> None:
    pytest.importorskip("cuequivariance_torch")
    fast = tensor_field(l_max=2, accelerator="cuequivariance")
    fast.load_state_dict(second_order.state_dict())
    graph = graphs(CHIRAL, "CO")
    x, level = points(graph.mask.shape[1]).expand(2, -1, -1), torch.tensor([0.5, -1.0])
    torch.testing.assert_close(fast(x, level, graph), second_order(x, level, graph), rtol=0, atol=1e-5)
