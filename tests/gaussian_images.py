"""An image generator whose model is known exactly: independent normal pixels about a mean that the label decides."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.target import Sample
from molediff.images.generator import ImageGenerator
from molediff.networks.labels import Labels

SHAPE, NUM_LEVELS, SCALE = (1, 4, 4), 17, 0.5
MEANS = (-0.8, 0.0, 0.8)
"""Of each class, in model units; without a label it is 0.3."""


class GaussianNetwork(nn.Module):
    """E[x_0 | x_t] of N(mean, variance) on a variance-preserving path; notes the largest batch that it saw."""

    def __init__(self, variance: float = 0.04, num_classes: int = 3):
        super().__init__()
        self.variance, self.num_classes, self.sample_shape = variance, num_classes, SHAPE
        self.largest_batch = 0

    def forward(self, x: Tensor, lambda_: Tensor, condition: Labels) -> Tensor:
        self.largest_batch = max(self.largest_batch, len(x))
        means = torch.tensor([*MEANS, 0.3], dtype=x.dtype)
        mean = means[condition.index].reshape(-1, 1, 1, 1)  # -1 is the last
        snr = torch.exp(2 * lambda_).to(x).reshape(-1, 1, 1, 1)
        alpha_squared, alpha = snr / (1 + snr), (snr / (1 + snr)).sqrt()
        gain = self.variance * alpha / (self.variance * alpha_squared + 1 - alpha_squared)
        return mean + gain * (x - alpha * mean)


class Blocks(GaussianNetwork):
    """A latent model: each entry of the state is the value of a block of 2 x 2 pixels."""

    def encode_images(self, x: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(x, 2)

    def decode(self, latents: Tensor) -> Tensor:
        return latents.repeat_interleave(2, 2).repeat_interleave(2, 3)


def gaussian_generator(
    network: GaussianNetwork | None = None, size: int = SHAPE[1], class_names: tuple[str, ...] = ()
) -> ImageGenerator:
    """The generator, of images (size, size, 1) with 17 grey levels."""
    model = DiffusionModel(network or GaussianNetwork(), CosineVP(), Sample(), FullSpace(), scale=SCALE)
    split = {"size": size, "channels": SHAPE[0], "num_levels": NUM_LEVELS, "class_names": list(class_names)}
    return ImageGenerator(model, {"split": split}, device="cpu")


def some_images(num: int, size: int = SHAPE[1], seed: int = 0) -> np.ndarray:
    """Grey images (num, size, size, 1) of whole levels, not far from what the model draws."""
    levels = np.random.default_rng(seed).integers(5, 13, (num, size, size, 1))
    return (levels / (NUM_LEVELS - 1)).astype(np.float32)
