"""A score network of latents together with the autoencoder that the latents belong to."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from molediff.core.model import Condition
from molediff.networks.autoencoder import Autoencoder
from molediff.networks.kind import Kind


class LatentNetwork(nn.Module):
    """A network of latents that carries its autoencoder, so that one weights file is enough to make images.

    The autoencoder is not trained: it came from a training of its own.

    Args:
        network: score network of the latents, with `sample_shape` and `num_classes`.
        autoencoder: between images and latents.

    Raises:
        ValueError: the latents of one are not those of the other.
    """

    def __init__(self, network: nn.Module, autoencoder: Autoencoder) -> None:
        super().__init__()
        if network.sample_shape != autoencoder.latent_shape:
            raise ValueError(
                f"the network is one of {network.sample_shape} and the latents are {autoencoder.latent_shape}: "
                "make them the same"
            )
        self.kind: Kind = "images"
        self.network = network
        self.autoencoder = autoencoder.requires_grad_(False)
        self.sample_shape = autoencoder.latent_shape
        self.image_shape = autoencoder.sample_shape
        self.num_classes = network.num_classes

    def forward(self, x: Tensor, lambda_: Tensor, condition: Condition | None = None) -> Tensor:
        """Predict the target for noised latents x (n, *sample_shape) at lambda_ (n,)."""
        return self.network(x, lambda_, condition)

    @torch.no_grad()
    def encode_images(self, x: Tensor) -> Tensor:
        """Images (n, *image_shape) in [-1, 1] -> the means of their latents, (n, *sample_shape)."""
        return self.autoencoder.encode(x)[0]

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents (n, *sample_shape) -> images (n, *image_shape), about in [-1, 1]."""
        return self.autoencoder.decode(latents)
