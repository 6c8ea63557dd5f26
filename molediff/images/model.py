"""Between images and the states of a diffusion model: of pixels, or of an autoencoder's latents."""

from __future__ import annotations

import math
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from molediff.core.generators import Generators
from molediff.core.guidance import classifier_free
from molediff.core.model import Denoiser, DiffusionModel
from molediff.core.solvers import Callback, Solver
from molediff.images.pixels import to_images, to_model
from molediff.networks.kind import check_kind
from molediff.networks.labels import Labels
from molediff.sampling.draw import draw, start_noise


class ImageNetwork(Protocol):
    """A network of images.

    Attributes:
        sample_shape: of a state, (channels, height, width).
        num_classes: labels that it knows; 0: none.
    """

    sample_shape: tuple[int, ...]
    num_classes: int


@runtime_checkable
class Codec(Protocol):
    """What the network of a latent model does beside."""

    def encode_images(self, x: Tensor) -> Tensor:
        """Latents (n, *sample_shape) of pixels in [-1, 1], (n, channels, height, width)."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels of latents."""
        ...


class ImageModel:
    """A diffusion model with what is known of its images.

    Args:
        model: its network is an `ImageNetwork`, and that of a latent model a `Codec` too.
        metadata: of the weights.
        device: where it computes.

    Raises:
        ValueError: the model is not one of images.
    """

    def __init__(self, model: DiffusionModel, metadata: dict[str, Any], device: torch.device):
        check_kind(model.network, "images")
        split = metadata.get("split")
        if not isinstance(split, dict) or not {"size", "channels", "num_levels"} <= split.keys():
            raise ValueError(
                "The metadata of a model of images must tell size, channels and num_levels of the images in 'split', "
                f"as training writes them; got split={split!r}."
            )
        network = cast(ImageNetwork, model.network)
        self.diffusion = model.to(device).eval().requires_grad_(False)
        # A sixth faster on CPUs; torch's own types leave this form of `to` out.
        self.diffusion.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device = device
        self.image_shape: tuple[int, int, int] = (split["size"], split["size"], split["channels"])
        self.state_shape: tuple[int, ...] = tuple(network.sample_shape)
        self.num_levels = int(split["num_levels"])
        self.num_classes = int(network.num_classes)
        self.class_names: tuple[str, ...] = tuple(split.get("class_names", ()))
        self.codec = network if isinstance(network, Codec) else None

    @property
    def is_latent(self) -> bool:
        """Whether the states are latents, and not pixels."""
        return self.codec is not None

    @property
    def log_bin_volume(self) -> float:
        """Log of the volume, in model units, of the states that are one discrete image."""
        return math.prod(self.state_shape) * math.log(2 / self.num_levels / self.diffusion.scale)

    def denoiser(self, classes: np.ndarray, guidance: float = 0.0) -> Denoiser:
        """Denoiser of images of these `classes` (n,), -1 for any, with classifier-free guidance."""
        index = torch.from_numpy(classes).to(self.device)
        conditional = self.diffusion.denoiser(Labels(index))
        if guidance == 0:
            return conditional
        return classifier_free(
            conditional, self.diffusion.denoiser(Labels(torch.full_like(index, -1))), guidance
        )

    def solve(
        self,
        solver: Solver,
        times: Tensor,
        denoiser: Denoiser,
        generators: Generators,
        callback: Callback | None = None,
    ) -> Tensor:
        """States (n, *state_shape) in model units, one for each generator."""
        x_1 = start_noise(self.diffusion, times, self.state_shape, generators, device=self.device)
        return draw(self.diffusion, solver, times, denoiser, x_1, generators, callback=callback)

    @torch.no_grad()
    def states(self, images: np.ndarray, generators: Generators) -> Tensor:
        """States in model units of images (n, height, width, channels) in [0, 1], dequantized."""
        levels = np.rint(images * (self.num_levels - 1)).astype(np.uint8)
        x = to_model(levels, self.num_levels, generators).to(self.device)
        if self.codec is not None:
            x = self.codec.encode_images(x)
        return x / self.diffusion.scale

    @torch.no_grad()
    def pixels(self, states: Tensor) -> Tensor:
        """Pixels of states in model units, (n, channels, height, width); 0 to 1 is -1 to 1 here."""
        x = states * self.diffusion.scale
        return x if self.codec is None else self.codec.decode(x)

    def images(self, states: Tensor) -> np.ndarray:
        """Images in [0, 1] of states in model units, snapped to the grey levels of the data."""
        return to_images(self.pixels(states), self.num_levels)

    def shown(self, states: Tensor) -> np.ndarray:
        """Noised states as pictures: not snapped, clipped to [0, 1]."""
        pixels = self.pixels(states).clamp(-1, 1).movedim(1, -1)
        return np.asarray((0.5 + 0.5 * pixels).float().cpu().numpy())

    def known_states(self, known: np.ndarray) -> Tensor:
        """Which entries of the states are known, (n, 1, height, width): in a latent model, those whose pixels all are.

        Args:
            known: pixels, booleans (n, height, width).
        """
        mask = torch.from_numpy(np.ascontiguousarray(known)).to(self.device)
        factor = self.image_shape[0] // self.state_shape[-1]
        return mask.unflatten(2, (-1, factor)).unflatten(1, (-1, factor)).all(4).all(2).unsqueeze(1)
