"""Between grey levels, images in [0, 1], and the numbers in [-1, 1] that a model works with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from molediff.core.generators import Generators


def to_model(
    levels: np.ndarray,
    num_levels: int,
    generators: Generators | None = None,
    dequantized: bool = True,
) -> Tensor:
    """Grey levels as data of a model: level k of K is spread over its bin of width 2 / K in [-1, 1].

    Args:
        levels: integers in 0 ... num_levels - 1, shape (n, height, width, channels).
        num_levels: number of grey levels.
        generators: one an image, for the place in the bin; None: torch's global generator.
        dequantized: False for the middle of the bin instead, without randomness.

    Returns:
        float32, shape (n, channels, height, width).
    """
    pixels = torch.from_numpy(np.ascontiguousarray(levels)).permute(0, 3, 1, 2).contiguous()
    if not dequantized:
        return (2 * pixels.float() + 1) / num_levels - 1
    return dequantize(pixels, num_levels, generators)


def to_images(x: Tensor, num_levels: int) -> np.ndarray:
    """Data of a model as images: each value becomes the grey level in whose bin it lies, values outside the nearest.

    Args:
        x: shape (n, channels, height, width), about in [-1, 1].
        num_levels: number of grey levels.

    Returns:
        float32 in [0, 1], shape (n, height, width, channels).
    """
    level = torch.floor((x.detach().float() + 1) * (num_levels / 2)).clamp(0, num_levels - 1)
    return (level / (num_levels - 1)).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def dequantize(levels: Tensor, num_levels: int = 256, generators: Generators | None = None) -> Tensor:
    """Spread integer grey levels evenly over their bins (Theis et al. 2016, section 3.1).

    Args:
        levels: integers in 0 ... num_levels - 1, shape (n, ...).
        num_levels: number of grey levels.
        generators: one a sample; None: torch's global generator.

    Returns:
        Values in [-1, 1), float32, shape (n, ...): (level + u) of num_levels bins of width 2 / num_levels.
    """
    if generators is None:
        uniform = torch.rand(levels.shape, device=levels.device)
    else:
        uniform = generators.uniform(levels.shape, device=levels.device, dtype=torch.float32)
    return 2 * (levels + uniform) / num_levels - 1
