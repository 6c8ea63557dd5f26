"""An autoencoder learns by the same machinery as diffusion models."""

import itertools
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, IterableDataset

from molediff.networks.autoencoder import Autoencoder
from molediff.networks.weights import load_weights
from molediff.training.autoencoding import AutoencoderTask, divergence
from molediff.training.clock import Clock
from molediff.training.run import train
from molediff.training.schedules import Constant


class Bars(IterableDataset[Any]):
    """Endless batches of images with one bright row."""

    def __iter__(self) -> Any:
        for number in itertools.count():
            generator = torch.Generator().manual_seed(number)
            rows = torch.randint(8, (16,), generator=generator)
            images = torch.full((16, 1, 8, 8), -0.5)
            images[torch.arange(16), 0, rows] = 0.5
            yield images, None, None


class Data(pl.LightningDataModule):
    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(Bars(), batch_size=None)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(list(itertools.islice(Bars(), 1)), batch_size=None)  # type: ignore[arg-type]


def test_learns_images_and_leaves_weights_behind(tmp_path):
    torch.manual_seed(0)
    model = Autoencoder(8, channels=8, multipliers=(1, 1), latent_channels=1)
    settings = {"learning_rate": 5e-3, "schedule": Constant(warm_up_steps=5)}
    task = AutoencoderTask(model, Clock(120), **settings)
    metrics = train(task, Data(), tmp_path, device="cpu", precision="32-true")
    assert metrics["val/rms_error"] < 0.08  # of images whose own deviation is 0.17
    assert metrics["val/divergence"] > 0.1
    state, metadata = load_weights(tmp_path / "weights.safetensors")
    assert state.keys() == model.state_dict().keys()
    assert metadata["samples_seen"] == 120 * 16


def test_divergence_is_that_of_normal_distributions():
    mean, log_variance = torch.tensor([0.0, 0.7, -2.0]), torch.tensor([0.0, -1.0, 0.5])
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0, 1))
    torch.testing.assert_close(divergence(mean, log_variance), expected)
    assert float(expected[0]) == pytest.approx(0)
