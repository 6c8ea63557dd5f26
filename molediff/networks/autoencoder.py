"""A small convolutional autoencoder, in whose latents diffusion is cheaper than among pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from molediff.networks.unet import NUM_GROUPS, Block, Downsample, Upsample


class Autoencoder(nn.Module):
    """Images to latents of fewer pixels and back, by residual blocks (Rombach et al. 2022, section 3.1).

    The latents of an image are a normal distribution, held near the unit normal by a Kullback-Leibler term in training;
    its noise makes the decoder indifferent to small errors of the latents.

    Args:
        size: height and width of the images.
        image_channels: channels of the images.
        latent_channels: channels of the latents.
        channels: width at full resolution.
        multipliers: factor of the width at each level; each further level halves height and width.
        num_blocks: residual blocks a level.

    Raises:
        ValueError: `size` cannot be halved often enough.
    """

    def __init__(
        self,
        size: int = 32,
        image_channels: int = 1,
        latent_channels: int = 4,
        channels: int = 16,
        multipliers: tuple[int, ...] = (1, 2, 4),
        num_blocks: int = 1,
    ) -> None:
        super().__init__()
        if size % 2 ** (len(multipliers) - 1):
            raise ValueError(
                f"images of {size} x {size} cannot be halved {len(multipliers) - 1} times: give fewer multipliers"
            )
        self.sample_shape = (image_channels, size, size)
        side = size // 2 ** (len(multipliers) - 1)
        self.latent_shape = (latent_channels, side, side)
        widths = [channels * factor for factor in multipliers]
        down: list[nn.Module] = [nn.Conv2d(image_channels, widths[0], 3, padding=1)]
        up: list[nn.Module] = [nn.Conv2d(latent_channels, widths[-1], 3, padding=1)]
        width = widths[0]
        for level, wide in enumerate(widths):
            down += [Downsample(width)] if level else []
            for _ in range(num_blocks):
                down.append(Block(width, wide))
                width = wide
        for level, wide in reversed(list(enumerate(widths))):
            for _ in range(num_blocks):
                up.append(Block(width, wide))
                width = wide
            up += [Upsample(width)] if level else []
        self.down, self.up = nn.Sequential(*down), nn.Sequential(*up)
        self.down_norm, self.up_norm = (
            nn.GroupNorm(NUM_GROUPS, widths[-1]),
            nn.GroupNorm(NUM_GROUPS, widths[0]),
        )
        self.to_latent = nn.Conv2d(widths[-1], 2 * latent_channels, 3, padding=1)
        self.to_image = nn.Conv2d(widths[0], image_channels, 3, padding=1)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, image_channels, size, size) -> mean and log-variance of their latents, (n, *latent_shape)."""
        h = self.to_latent(silu(self.down_norm(self.down(x))))
        mean, log_variance = h.chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 10)  # exp stays within float32 whatever the image

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (n, *latent_shape) -> images (n, image_channels, size, size)."""
        return self.to_image(silu(self.up_norm(self.up(latents))))

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, draw latents with the unit normal `noise` (n, *latent_shape), decode.

        Returns:
            The images again, and mean and log-variance of the latents.
        """
        mean, log_variance = self.encode(x)
        return self.decode(mean + torch.exp(0.5 * log_variance) * noise), mean, log_variance
