"""The U-Net: shapes, labels, independence of batch mates, and that it can tell how strong the noise is."""

import pytest
import torch
from torch import nn

from molediff.core.geometry.space import FullSpace
from molediff.core.guidance import classifier_free
from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching, Unweighted
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.networks.labels import Labels
from molediff.networks.unet import Block, UNet


def make_unet(**settings):
    torch.manual_seed(0)
    return UNet(**{"size": 8, "num_classes": 3, "channels": 16, "num_heads": 2, **settings})


def stirred(network):
    """The network with no weight at zero, as after training."""
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    return network.eval()


@pytest.mark.parametrize(
    ("size", "channels", "multipliers"),
    [(8, 1, (1, 2)), (28, 3, (1, 1, 2)), (16, 4, (1,)), (32, 1, (1, 1, 1, 1))],
)
def test_output_is_as_the_input_and_every_weight_is_used(size, channels, multipliers):
    network = stirred(make_unet(size=size, image_channels=channels, multipliers=multipliers, num_blocks=1))
    assert network.sample_shape == (channels, size, size)
    out = network(torch.randn(2, channels, size, size), torch.zeros(2), Labels(torch.tensor([-1, 2])))
    assert out.shape == (2, channels, size, size)
    out.square().sum().backward()
    unused = [name for name, p in network.named_parameters() if p.grad is None or not bool(p.grad.any())]
    assert unused == []


def test_a_new_network_answers_zero():
    assert not bool(make_unet()(torch.randn(2, 1, 8, 8), torch.zeros(2)).any())


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="10 x 10 cannot be halved 2 times"):
        make_unet(size=10, multipliers=(1, 1, 1))
    with pytest.raises(ValueError, match=r"multiple of 8.* got 12"):
        make_unet(channels=12)


def test_batch_mates_do_not_matter():
    network = stirred(make_unet())
    x, lambda_, labels = torch.randn(5, 1, 8, 8), torch.linspace(-4, 4, 5), torch.tensor([0, 1, 2, -1, 0])
    together = network(x, lambda_, Labels(labels))
    for i in range(5):
        alone = network(x[i : i + 1], lambda_[i : i + 1], Labels(labels[i : i + 1]))
        torch.testing.assert_close(alone[0], together[i], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_noise_level_and_label_change_the_answer():
    network, x = stirred(make_unet()), torch.randn(1, 1, 8, 8)
    base = network(x, torch.zeros(1), Labels.of(0, 1))
    for other in (network(x, torch.ones(1), Labels.of(0, 1)), network(x, torch.zeros(1), Labels.of(1, 1))):
        assert float((other - base).abs().max()) > 1e-3


def test_no_label_is_a_label_of_its_own():
    network, x, zero = stirred(make_unet()), torch.randn(2, 1, 8, 8), torch.zeros(2)
    without = network(x, zero, None)
    assert torch.equal(without, network(x, zero, Labels.of(None, 2)))
    for label in range(3):
        assert not torch.allclose(without, network(x, zero, Labels.of(label, 2)))


def test_unknown_labels_are_refused():
    x, zero = torch.randn(1, 1, 8, 8), torch.zeros(1)
    with pytest.raises(ValueError, match="label 3 does not exist: the classes are 0 to 2"):
        make_unet()(x, zero, Labels.of(3, 1))
    with pytest.raises(ValueError, match="without classes"):
        make_unet(num_classes=0)(x, zero, Labels.of(0, 1))
    make_unet(num_classes=0)(x, zero, Labels.of(None, 1))


def test_guidance_of_weight_0_is_the_label_and_minus_1_is_none():
    model = DiffusionModel(stirred(make_unet()), CosineVP(), V(), FullSpace())
    x, t = torch.randn(2, 1, 8, 8), torch.full((2,), 0.5)
    conditional, unconditional = model.denoiser(Labels.of(1, 2)), model.denoiser(Labels.of(None, 2))
    with torch.no_grad():
        for weight, expected in ((0, conditional(x, t)), (-1, unconditional(x, t))):
            assert torch.equal(classifier_free(conditional, unconditional, weight)(x, t), expected)
        stronger = classifier_free(conditional, unconditional, 1.0)(x, t)
        torch.testing.assert_close(stronger, 2 * conditional(x, t) - unconditional(x, t))


def test_four_images_are_learnt_by_heart():
    """From almost pure noise the denoiser gives each image back by its label alone."""
    torch.manual_seed(1)
    images, labels, t = torch.randn(4, 1, 8, 8).sign(), Labels(torch.arange(4)), torch.full((4,), 0.98)
    model = DiffusionModel(make_unet(num_classes=4, channels=8, num_blocks=1), CosineVP(), V(), FullSpace())
    objective = DenoisingScoreMatching(model.path, model.target, Unweighted(model.target))
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for _ in range(60):
        eps = torch.randn(images.shape)
        pred = model.predict(objective.path.noised(images, eps, t), t, labels)
        optimizer.zero_grad()
        objective.loss(pred, images, eps, t).mean().backward()
        optimizer.step()
    with torch.no_grad():
        again = model.denoiser(labels)(torch.randn(images.shape), t)
    assert float((again - images).square().mean()) < 0.35  # the mean of the four images is 0.75 away


class Toy(nn.Module):
    """An encoder and a decoder with a skip connection, a norm in each; all but the norms is homogeneous in x."""

    def __init__(self, encoder_norm, decoder_norm):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), encoder_norm, nn.ReLU())
        self.decoder = nn.Sequential(nn.Conv2d(9, 8, 3, padding=1, bias=False), decoder_norm, nn.ReLU())
        self.last = nn.Conv2d(8, 1, 1, bias=False)

    def forward(self, x):
        return self.last(self.decoder(torch.cat([self.encoder(x), x], dim=1)))


SPREAD = 0.5
"""Standard deviation of the logarithm of the amplitudes: the error of who knows nothing of them."""


def amplitude_error(network):
    """Error of the logarithm of the size of noise of any amplitude, which the network learns to give back."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)

    def noise(num):
        amplitude = torch.exp(SPREAD * torch.randn(num, 1, 1, 1, generator=generator))
        return amplitude * torch.randn(num, 1, 8, 8, generator=generator)

    for _ in range(60):
        x = noise(16)
        loss = (network(x) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x = noise(200)
    with torch.no_grad():
        sizes, found = x.flatten(1).std(1), network(x).flatten(1).std(1)
    return float((found / sizes).log().std())


def test_instance_norm_in_the_decoder_erases_the_amplitude_of_the_noise():
    torch.manual_seed(0)
    erasing, harmless = (
        Toy(nn.Identity(), nn.InstanceNorm2d(8, eps=1e-12)),
        Toy(nn.InstanceNorm2d(8), nn.Identity()),
    )
    x = torch.randn(3, 1, 8, 8)
    torch.testing.assert_close(erasing(3 * x), erasing(x))
    assert amplitude_error(erasing) > 0.8 * SPREAD
    assert amplitude_error(harmless) < 0.3 * SPREAD


class AtLambdaZero(nn.Module):
    """A network as a function of x alone."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x, torch.zeros(len(x)))


def test_the_unet_keeps_the_amplitude_of_the_noise():
    network = make_unet(num_classes=0, channels=8, multipliers=(1,), num_blocks=1, attention_sizes=())
    assert amplitude_error(AtLambdaZero(network)) < 0.1 * SPREAD


def test_attention_lets_far_pixels_speak():
    torch.manual_seed(0)
    for num_heads, hears in ((0, False), (2, True)):
        block = Block(8, 8, num_heads=num_heads)
        for parameter in block.parameters():
            nn.init.normal_(parameter, std=0.3)
        x = torch.randn(1, 8, 12, 12, requires_grad=True)
        # Group norm mixes all pixels of a channel: its statistics are held fixed.
        for norm in (m for m in block.modules() if isinstance(m, nn.GroupNorm)):
            norm.forward = lambda h: h
        block(x)[0, :, 0, 0].sum().backward()
        assert bool(x.grad[0, :, -1, -1].any()) == hears
