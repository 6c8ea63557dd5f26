"""A categorical model learns by the same machinery as diffusion models."""

import itertools
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, IterableDataset

from molediff.core.discrete import CategoricalModel, Revealing, uniform_grid
from molediff.core.generators import Generators
from molediff.core.paths import SquareRootVP
from molediff.networks.graph_denoiser import GraphDenoiser, GraphSizes
from molediff.networks.weights import load_weights, save_weights
from molediff.training.categorical import CategoricalTask
from molediff.training.clock import Clock
from molediff.training.run import load_into, train
from molediff.training.schedules import Constant

# Two graphs of three nodes, equally frequent: a chain of labels 0 1 0, always numbered alike, and a triangle of labels
# 1 1 1. An equivariant model has log 2 nats, and half of the time the log of the chain's three numberings.
CHAIN, TRIANGLE = torch.tensor([0, 1, 1, 0, 1, 0]), torch.tensor([1, 1, 1, 1, 1, 1])
EXACT = 0.693 + 0.5 * 1.099


class Graphs(IterableDataset[Any]):
    def __iter__(self) -> Any:
        for number in itertools.count():
            generator = torch.Generator().manual_seed(number)
            which = torch.rand(32, 1, generator=generator) < 0.5
            yield torch.where(which, CHAIN, TRIANGLE), GraphSizes(torch.full((32,), 3), 3), None


class Data(pl.LightningDataModule):
    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(Graphs(), batch_size=None)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(list(itertools.islice(Graphs(), 8)), batch_size=None)  # type: ignore[arg-type]


def test_learns_graphs_to_their_entropy_and_draws_them(tmp_path):
    torch.manual_seed(0)
    network = GraphDenoiser(2, 2, 3, channels=32, pair_channels=16, num_blocks=2, num_heads=4)
    model = CategoricalModel(network, SquareRootVP(), network.mask_state)
    settings = {"learning_rate": 3e-3, "schedule": Constant(warm_up_steps=20)}
    metrics = train(
        CategoricalTask(model, Clock(250), **settings),
        Data(),
        tmp_path,
        device="cpu",
        precision="32-true",
        ema_decay=0.9,
    )
    assert EXACT - 0.15 < metrics["val/loss"] < EXACT + 0.2
    state, metadata = load_weights(tmp_path / "weights.safetensors")
    assert state.keys() == model.state_dict().keys()
    assert metadata["samples_seen"] == 250 * 32
    model.load_state_dict(state)
    generators = Generators(range(200))
    x = Revealing().sample(
        model.eval().denoiser(),
        model.process,
        uniform_grid(6),
        torch.full((200, 6), model.process.mask_state),
        generators,
    )
    triangles = (x == 1).all(1)
    edges = x[:, [1, 3, 4]].sum(1)
    known = triangles | ((x[:, [0, 2, 5]].sum(1) == 1) & (edges == 2))
    assert known.float().mean() > 0.95
    assert 0.35 < triangles.float().mean() < 0.65


def small(num_properties: int) -> CategoricalModel:
    network = GraphDenoiser(
        2, 2, 3, channels=16, pair_channels=8, num_blocks=1, num_heads=2, num_properties=num_properties
    )
    return CategoricalModel(network, SquareRootVP(), network.mask_state)


def test_a_model_of_properties_begins_from_weights_that_know_none(tmp_path):
    plain, asked = small(0), small(2)
    save_weights(tmp_path / "plain.safetensors", plain, {}, dtype=None)
    load_into(asked, tmp_path / "plain.safetensors")
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(asked.state_dict()[name], value)
    save_weights(tmp_path / "asked.safetensors", asked, {}, dtype=None)
    with pytest.raises(ValueError, match="do not fit the network"):
        load_into(plain, tmp_path / "asked.safetensors")


def test_none_one_and_all_of_the_properties_are_told_equally_often():
    num = 20000
    seen: list[GraphSizes] = []

    class Spy(torch.nn.Module):
        def forward(self, x_t: torch.Tensor, lambda_: torch.Tensor, condition: GraphSizes) -> torch.Tensor:
            seen.append(condition)
            return torch.zeros(*x_t.shape, 2)

    task = CategoricalTask(CategoricalModel(Spy(), SquareRootVP(), 2), Clock(1))
    sizes = GraphSizes(torch.full((num,), 3), 3, torch.randn(num, 3))
    task.losses((CHAIN.expand(num, 6), sizes, None), torch.Generator().manual_seed(0))
    told = ~seen[0].properties.isnan()
    shares = torch.bincount(told.sum(1), minlength=4) / num
    torch.testing.assert_close(shares, torch.full((4,), 0.25), atol=0.02, rtol=0)
    assert torch.equal(seen[0].properties[told], sizes.properties[told])
