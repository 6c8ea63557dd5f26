"""The autoencoder, and the network of latents that carries it."""

import pytest
import torch

from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.networks.autoencoder import Autoencoder
from molediff.networks.latent import LatentNetwork
from molediff.networks.pretrained import load_autoencoder, load_model
from molediff.networks.unet import UNet
from molediff.networks.weights import save_weights

SETTINGS = {"size": 16, "channels": 8, "multipliers": [1, 2], "latent_channels": 2}
UNET = {"size": 8, "image_channels": 2, "num_classes": 2, "channels": 8, "num_heads": 2, "num_blocks": 1}


def make_autoencoder(**settings):
    torch.manual_seed(0)
    return Autoencoder(**{**SETTINGS, **settings})


def test_shapes_and_every_weight_is_used():
    autoencoder = Autoencoder()
    assert autoencoder.latent_shape == (4, 8, 8)
    for parameter in autoencoder.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x = torch.randn(2, 1, 32, 32)
    again, mean, log_variance = autoencoder(x, torch.randn(2, 4, 8, 8))
    assert again.shape == x.shape
    assert mean.shape == log_variance.shape == (2, 4, 8, 8)
    (again.square().sum() + mean.sum() + log_variance.sum()).backward()
    assert all(bool(p.grad.any()) for p in autoencoder.parameters())


def test_noise_moves_the_latents_by_their_deviation():
    autoencoder, x = make_autoencoder(), torch.randn(3, 1, 16, 16)
    mean, log_variance = autoencoder.encode(x)
    noise = torch.randn(3, 2, 8, 8)
    torch.testing.assert_close(
        autoencoder(x, noise)[0], autoencoder.decode(mean + log_variance.exp().sqrt() * noise)
    )
    torch.testing.assert_close(autoencoder(x, torch.zeros_like(noise))[0], autoencoder.decode(mean))


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="18 x 18 cannot be halved 2 times"):
        make_autoencoder(size=18, multipliers=(1, 1, 1))


def test_latent_network_trains_its_score_network_alone():
    network = LatentNetwork(UNet(**UNET), make_autoencoder())
    trained = {name for name, p in network.named_parameters() if p.requires_grad}
    assert trained
    assert all(name.startswith("network.") for name in trained)
    assert network.sample_shape == (2, 8, 8)
    assert network.image_shape == (1, 16, 16)
    assert network.num_classes == 2
    with pytest.raises(ValueError, match=r"one of \(3, 8, 8\) and the latents are \(2, 8, 8\)"):
        LatentNetwork(UNet(**{**UNET, "image_channels": 3}), make_autoencoder())


def test_one_weights_file_holds_network_and_autoencoder(tmp_path):
    network = LatentNetwork(UNet(**UNET), make_autoencoder())
    model = DiffusionModel(network, CosineVP(), V(), FullSpace(), scale=0.5)
    described = {
        "_target_": "molediff.networks.latent.LatentNetwork",
        "network": {"_target_": "molediff.networks.unet.UNet", **UNET},
        "autoencoder": {"_target_": "molediff.networks.autoencoder.Autoencoder", **SETTINGS},
    }
    config = {
        "network": described,
        "path": {"_target_": "molediff.core.paths.cosine_vp.CosineVP"},
        "target": {"_target_": "molediff.core.target.V"},
        "space": {"_target_": "molediff.core.geometry.space.FullSpace"},
        "scale": 0.5,
    }
    save_weights(tmp_path / "latent.safetensors", model, {"config": config}, dtype=None)
    loaded, _ = load_model(tmp_path / "latent.safetensors")
    latents = torch.randn(2, 2, 8, 8)
    assert torch.equal(loaded.network.decode(latents), network.decode(latents))
    x = torch.randn(2, 1, 16, 16)
    assert torch.equal(loaded.network.encode_images(x), network.encode_images(x))
    with pytest.raises(ValueError, match="does not hold a model that this version of molediff can build"):
        load_autoencoder(tmp_path / "latent.safetensors")
