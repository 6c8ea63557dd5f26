"""Batches of images and of latents: seeded, resumable, and the same to validate on."""

import itertools

import numpy as np
import pytest
import torch

from molediff.images.datamodule import ImageDataModule, LatentDataModule, digits_datamodule
from molediff.images.dataset import ImageSet, ImageSplits
from molediff.networks.autoencoder import Autoencoder
from molediff.networks.weights import save_weights


@pytest.fixture(scope="module")
def digits():
    return digits_datamodule(batch_size=100)


def batches(data, num, start=0):
    data.start = start
    return list(itertools.islice(data.train_dataloader(), num))


def test_batches_are_digits_with_their_labels(digits):
    pixels, condition, mask = batches(digits, 1)[0]
    assert pixels.shape == (100, 1, 8, 8)
    assert pixels.dtype == torch.float32
    assert mask is None
    train = digits.splits.train
    of_pixels = {image.tobytes(): label for image, label in zip(train.levels, train.labels, strict=True)}
    levels = ((pixels + 1) * 8.5).floor().to(torch.uint8).movedim(1, -1).numpy()
    assert [of_pixels[image.tobytes()] for image in levels] == condition.index.tolist()


def test_a_resumed_run_gets_the_batches_that_were_left(digits):
    whole, resumed = batches(digits, 15), batches(digits, 3, start=12)
    for (x, labels, _), (y, same, _) in zip(whole[12:], resumed, strict=True):
        assert torch.equal(x, y)
        assert torch.equal(labels.index, same.index)
    other = batches(digits_datamodule(batch_size=100, seed=1), 1)[0]
    assert not torch.equal(other[0], whole[0][0])


def test_grey_levels_are_dequantized_anew_in_every_pass():
    levels = np.full((4, 2, 2, 1), 7, np.uint8)
    images = ImageSet(levels, num_levels=17)
    data = ImageDataModule(ImageSplits(images, images, images, ""), "made up", batch_size=4)
    first, second = batches(data, 2)
    assert first[1] is None
    assert not torch.equal(first[0], second[0])
    assert torch.equal(((first[0] + 1) * 8.5).floor(), torch.full((4, 1, 2, 2), 7.0))


def test_validation_is_the_same_every_time_whatever_the_batches(digits):
    pixels = [
        torch.cat([x for x, _, _ in data.val_dataloader()])
        for data in (digits, digits, digits_datamodule(8, 7))
    ]
    assert pixels[0].shape == (200, 1, 8, 8)
    assert torch.equal(pixels[0], pixels[1])
    assert torch.equal(pixels[0], pixels[2])


def test_scale_makes_the_data_one(digits):
    pixels = torch.cat([x for x, _, _ in batches(digits, 24)])
    assert float((pixels / digits.scale()).square().mean()) == pytest.approx(1, abs=0.01)


def test_latents_are_drawn_from_what_the_autoencoder_says(tmp_path):
    torch.manual_seed(0)
    settings = {"size": 16, "channels": 8, "multipliers": [1, 1], "latent_channels": 2}
    autoencoder = Autoencoder(**settings)
    described = {"_target_": "molediff.networks.autoencoder.Autoencoder", **settings}
    save_weights(tmp_path / "a.safetensors", autoencoder, {"config": {"network": described}}, dtype=None)
    images = digits_datamodule(16, batch_size=64)
    data = LatentDataModule(images, str(tmp_path / "a.safetensors"))
    val = torch.cat([x for x, _, _ in data.val_dataloader()])
    assert val.shape == (200, 2, 8, 8)
    from molediff.images.pixels import to_model

    pixels = to_model(images.splits.val.levels, 256, dequantized=False)
    with torch.no_grad():
        mean, log_variance = autoencoder.encode(pixels)
    z = (val - mean) / torch.exp(0.5 * log_variance)
    assert float(z.mean()) == pytest.approx(0, abs=0.03)
    assert float(z.std()) == pytest.approx(1, abs=0.03)
    assert data.split == images.split
