"""A network together with the meaning of its input and output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from molediff.core.noise import NoiseSpace
from molediff.core.path import Path, expand_like
from molediff.core.target import Sample, Target, check_target, convert

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""Takes x_t (n, ...) and t (n,), returns the estimate of x_0, (n, ...)."""


class DiffusionModel(nn.Module):
    """A network that predicts `target` on `path`, for samples that live in `space`.

    All methods work in model units: data divided by `scale`, the standard deviation of the data, so that x_0
    has about unit variance.

    Args:
        network: called as network(x, lambda_, condition) with x (n, ...) of about unit variance at every
            noise level, lambda_ (n,) half the log-SNR, and returns the prediction, (n, ...). It may have a
            method `encode(condition)` for what depends neither on x_t nor on t; `condition` is then its result.
        path: noising path.
        target: what the network's output means.
        space: space in which the samples live; predictions are projected onto it.
        scale: standard deviation of the data, in the data's unit.
    """

    def __init__(self, network: nn.Module, path: Path, target: Target, space: NoiseSpace, scale: float = 1.0):
        super().__init__()
        if not scale > 0:
            raise ValueError(
                f"scale is the standard deviation of the data and must be positive; got {scale}."
            )
        check_target(target, path)
        self.network = network
        self.path = path
        self.target = target
        self.space = space
        self.scale = scale

    def encode(self, condition: Any) -> Any:
        """Compute once what does not depend on x_t and t; `condition` itself if the network knows nothing of
        the kind."""
        encode = getattr(self.network, "encode", None)
        return condition if encode is None else encode(condition)

    def predict(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Tensor:
        """Predict `target`.

        Args:
            x_t: noised samples in model units, shape (n, ...).
            t: times, shape (n,).
            condition: what the samples are conditioned on, encoded or not. Its attribute `mask` (n, N), if
                it has one, tells which rows of x_t are real.

        Returns:
            The prediction in the dtype of `x_t`, shape (n, ...).
        """
        pred = self.network(x_t / expand_like(self.path.spread(t), x_t), self.path.lambda_(t), condition)
        return self.space.velocity(pred.to(x_t.dtype), x_t, getattr(condition, "mask", None))

    forward = predict

    def denoiser(self, condition: Any = None) -> Denoiser:
        """Return the function (x_t, t) -> estimate of x_0 for one `condition`, which is encoded once."""
        encoded = self.encode(condition)

        def denoise(x_t: Tensor, t: Tensor) -> Tensor:
            return convert(self.predict(x_t, t, encoded), x_t, t, self.path, self.target, Sample())

        return denoise
