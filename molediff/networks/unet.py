"""The U-Net of images: residual blocks that the noise level and the class modulate, attention where pixels are few.

Ho et al. 2020 (appendix B) with the modulated group norm of Dhariwal and Nichol 2021 (section 3).
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, scaled_dot_product_attention, silu

from molediff.networks.kind import Kind
from molediff.networks.labels import Labels
from molediff.networks.layers import NoiseLevelEmbedding

_Layer = TypeVar("_Layer", nn.Conv2d, nn.Linear)

NUM_GROUPS = 8
"""Groups of the group norm: 8 to 16 channels each at the widths of these networks."""


class UNet(nn.Module):
    """Score network of square images, conditioned on the noise level and, if it has classes, on a label.

    What leaves a normalization has lost its amplitude, so a decoder that normalizes the size of its features away
    cannot tell how strong the noise is that it should predict (an encoder can: its features pass by on the skip
    connections). Group norm over several channels keeps their relative size, and the input reaches the output on a
    path of its own without any norm, with a factor that the noise level sets.

    Args:
        size: height and width of the images; each further level halves it, so it must be divisible that often.
        image_channels: channels of the images: 1 for grey, 3 for RGB.
        num_classes: number of labels; 0: none, and the condition may be None.
        channels: width at full resolution.
        multipliers: factor of the width at each level, from full resolution downwards.
        num_blocks: residual blocks a level on the way down; one more on the way up.
        attention_sizes: heights at which pixels attend to each other.
        num_heads: attention heads.
        dropout: share of features that are dropped within a block in training.

    Raises:
        ValueError: `size` cannot be halved often enough, or `channels` is not a multiple of 8.
    """

    def __init__(
        self,
        size: int,
        image_channels: int = 1,
        num_classes: int = 0,
        channels: int = 64,
        multipliers: tuple[int, ...] = (1, 2),
        num_blocks: int = 2,
        attention_sizes: tuple[int, ...] = (4,),
        num_heads: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if size % 2 ** (len(multipliers) - 1):
            raise ValueError(
                f"images of {size} x {size} cannot be halved {len(multipliers) - 1} times: give fewer multipliers"
            )
        if channels % NUM_GROUPS:
            raise ValueError(
                f"channels must be a multiple of {NUM_GROUPS}, the groups of its norm; got {channels}"
            )
        self.kind: Kind = "images"
        self.sample_shape = (image_channels, size, size)
        self.num_classes = num_classes
        embedding = 2 * channels
        self.noise_level = NoiseLevelEmbedding(embedding)
        self.label = nn.Embedding(num_classes + 1, embedding) if num_classes else None  # the last: no label

        def block(inputs: int, outputs: int, at: int) -> Block:
            return Block(inputs, outputs, embedding, num_heads if at in attention_sizes else 0, dropout)

        self.first = nn.Conv2d(image_channels, channels, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        widths, skips = [channels * factor for factor in multipliers], [channels]
        width, at = channels, size
        for level, wide in enumerate(widths):
            if level:
                self.down.append(Downsample(width))
                skips.append(width)
                at //= 2
            for _ in range(num_blocks):
                self.down.append(block(width, wide, at))
                skips.append(wide)
                width = wide
        self.middle = block(width, width, at)
        for level, wide in reversed(list(enumerate(widths))):
            for _ in range(num_blocks + 1):
                self.up.append(block(width + skips.pop(), wide, at))
                width = wide
            if level:
                self.up.append(Upsample(width))
                at *= 2
        self.last_norm = nn.GroupNorm(NUM_GROUPS, width)
        self.last = zeroed(nn.Conv2d(width, image_channels, 3, padding=1))
        self.through = zeroed(nn.Linear(embedding, image_channels))

    def forward(self, x: Tensor, lambda_: Tensor, condition: Labels | None = None) -> Tensor:
        """Predict the target.

        Args:
            x: noised images of unit variance, shape (n, image_channels, size, size).
            lambda_: half the log-SNR, shape (n,).
            condition: n labels; None: no label for any.

        Raises:
            ValueError: labels are given to a network without classes, or one is not a class of it.
        """
        embedding = silu(self._embed(lambda_, condition))
        h = self.first(x)
        skips = [h]
        for layer in self.down:
            h = layer(h, embedding)
            skips.append(h)
        h = self.middle(h, embedding)
        for layer in self.up:
            h = (
                layer(h, embedding)
                if isinstance(layer, Upsample)
                else layer(torch.cat([h, skips.pop()], dim=1), embedding)
            )
        past_all_norms = self.through(embedding)[:, :, None, None] * x
        return self.last(silu(self.last_norm(h))) + past_all_norms

    def _embed(self, lambda_: Tensor, condition: Labels | None) -> Tensor:
        embedding = self.noise_level(lambda_)
        if self.label is None:
            if condition is not None and _seen((condition.index >= 0).any()):
                raise ValueError("this network was made without classes: leave the label out")
            return embedding
        labels = Labels.of(None, len(lambda_), lambda_.device) if condition is None else condition
        if _seen((labels.index >= self.num_classes).any()):
            raise ValueError(
                f"label {int(labels.index.max())} does not exist: the classes are 0 to {self.num_classes - 1}"
            )
        return embedding + self.label(labels.index % (self.num_classes + 1))  # -1 is the last


def _seen(found: Tensor) -> bool:
    """Whether a mistake was found, where that can be seen without waiting for a GPU."""
    return found.device.type == "cpu" and bool(found)


class Block(nn.Module):
    """x + conv(dropout(silu(modulated norm(conv(silu(norm(x))))))), then attention if it has heads.

    Args:
        inputs, outputs: channels.
        embedding: width of the embedding that modulates the second norm; 0: none does.
        num_heads: attention heads; 0: no attention.
        dropout: share of features dropped in training.
    """

    def __init__(
        self, inputs: int, outputs: int, embedding: int = 0, num_heads: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.norm_in, self.norm_out = nn.GroupNorm(NUM_GROUPS, inputs), nn.GroupNorm(NUM_GROUPS, outputs)
        self.conv_in = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv_out = zeroed(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.modulation = zeroed(nn.Linear(embedding, 2 * outputs)) if embedding else None
        self.dropout = nn.Dropout(dropout)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        self.attention = Attention(outputs, num_heads) if num_heads else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """(n, inputs, height, width), (n, embedding) -> (n, outputs, height, width)."""
        h = self.norm_out(self.conv_in(silu(self.norm_in(x))))
        if self.modulation is not None:
            gain, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
            h = h * (1 + gain) + shift
        return self.attention(self.skip(x) + self.conv_out(self.dropout(silu(h))))


class Attention(nn.Module):
    """Every pixel attends to every other: x + out(attention(norm(x)))."""

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.GroupNorm(NUM_GROUPS, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width), the same shape out."""
        n, channels, height, width = x.shape
        heads = self.qkv(self.norm(x)).reshape(
            n, 3, self.num_heads, channels // self.num_heads, height * width
        )
        q, k, v = heads.transpose(-1, -2).unbind(1)
        h = scaled_dot_product_attention(q, k, v).transpose(-1, -2)
        return x + self.out(h.reshape(x.shape))


class Downsample(nn.Module):
    """Halve height and width by a convolution of stride 2; the embedding is not used."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """(n, channels, height, width) -> half the height and width."""
        return self.conv(x)


class Upsample(nn.Module):
    """Double height and width by repeating pixels, then a convolution; the embedding is not used."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """(n, channels, height, width) -> twice the height and width."""
        return self.conv(interpolate(x, scale_factor=2, mode="nearest"))


def zeroed(layer: _Layer) -> _Layer:
    """The layer with all weights 0: a block begins as the identity, a network with the answer 0."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
