"""The network without a graph: particles that are all alike, in the plane and in space."""

import math

import pytest
import torch
from torch import Tensor

from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES
from tests.networks.conftest import CHIRAL, graphs

LOCAL_STD = 0.1


def particle_network(**changes: object) -> EquivariantNetwork:
    torch.manual_seed(0)
    sizes = {"channels": 16, "vector_channels": 8, "pair_channels": 8, "num_blocks": 2, "num_heads": 4}
    settings = {**sizes, "num_basis": 12, "cutoff": 6.0, "basis_power": 1.0, "chiral": False, **changes}
    return EquivariantNetwork(**settings).to(torch.get_default_dtype())  # type: ignore[arg-type]


def points(num_dimensions: int, seed: int = 0, num_samples: int = 3) -> Tensor:
    return torch.randn(num_samples, 5, num_dimensions, generator=torch.Generator().manual_seed(seed))


def tolerance() -> float:
    return 2e-5 if torch.get_default_dtype() == torch.float32 else 1e-12


def orthogonal(num_dimensions: int, determinant: int) -> Tensor:
    """A rotation (determinant 1) or a rotation with a reflection (-1)."""
    generator = torch.Generator().manual_seed(num_dimensions)
    q = torch.linalg.qr(torch.randn(num_dimensions, num_dimensions, generator=generator))[0]
    if torch.linalg.det(q) * determinant < 0:
        q[:, 0] = -q[:, 0]
    return q


LEVELS = (-3.0, 0.5, 4.0)


@pytest.mark.parametrize("num_dimensions", [1, 2, 3, 4])
@pytest.mark.parametrize("determinant", [1, -1])
def test_turns_and_reflects_with_its_input(dtype: torch.dtype, num_dimensions: int, determinant: int) -> None:
    network, x, level = particle_network(), points(num_dimensions), torch.tensor(LEVELS)
    q = orthogonal(num_dimensions, determinant)
    torch.testing.assert_close(network(x @ q.T, level), network(x, level) @ q.T, atol=tolerance(), rtol=0)


@pytest.mark.parametrize("num_dimensions", [2, 3])
def test_permutes_and_does_not_shift_with_its_input(dtype: torch.dtype, num_dimensions: int) -> None:
    network, x, level = particle_network(), points(num_dimensions), torch.tensor(LEVELS)
    order = torch.tensor([3, 0, 4, 1, 2])
    output = network(x, level)
    torch.testing.assert_close(network(x[:, order], level), output[:, order], atol=tolerance(), rtol=0)
    assert output.mean(1).abs().max() < tolerance()
    assert output.abs().max() > 0.01  # it does move them


def test_a_sample_does_not_depend_on_its_batch_mates(dtype: torch.dtype) -> None:
    network, x, level = particle_network(), points(2), torch.tensor(LEVELS)
    for i in range(3):
        alone = network(x[i : i + 1], level[i : i + 1])[0]
        torch.testing.assert_close(alone, network(x, level)[i], atol=tolerance(), rtol=0)


def test_every_parameter_learns_and_none_is_of_a_graph_or_a_hand() -> None:
    network = particle_network(local_std=LOCAL_STD)
    network(points(2), torch.tensor(LEVELS)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not bool(p.grad.any())] == []
    assert not [name for name, _ in network.named_parameters() if "trunk" in name or "chiral" in name]


@pytest.mark.parametrize("lambda_", [-4.0, 2.0, 6.0])
def test_local_std_scales_the_output_as_noise_in_a_normal_distribution(lambda_: float) -> None:
    """Blocks see the same positions where one block is all there is, so that only the size of the output differs."""
    plain, scaled = particle_network(num_blocks=1), particle_network(num_blocks=1, local_std=LOCAL_STD)
    x, level = points(3), torch.full((3,), lambda_)
    alpha, sigma = math.sqrt(1 / (1 + math.exp(-2 * lambda_))), math.sqrt(1 / (1 + math.exp(2 * lambda_)))
    size = sigma / math.hypot(sigma, alpha * LOCAL_STD)
    torch.testing.assert_close(scaled(x, level), size * plain(x, level), rtol=1e-4, atol=1e-7)


def test_wrong_settings_and_conditions_are_refused() -> None:
    with pytest.raises(ValueError, match="go together"):
        EquivariantNetwork(NODE_CARDINALITIES, ())
    with pytest.raises(ValueError, match="local_std"):
        particle_network(local_std=0.0)
    with pytest.raises(ValueError, match="takes the condition None"):
        particle_network()(points(3, num_samples=1), torch.zeros(1), graphs(CHIRAL))


def test_a_network_for_graphs_asks_for_one(network: EquivariantNetwork) -> None:
    with pytest.raises(ValueError, match="give a GraphBatch"):
        network(points(3), torch.zeros(3))
