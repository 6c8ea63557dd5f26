"""A network together with the meaning of its input and output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from molediff.core.geometry.harmonic_prior import HarmonicPrior, SpringCoordinates
from molediff.core.geometry.space import NoiseSpace, ZeroCentreOfMass
from molediff.core.paths import Path, expand_like
from molediff.core.target import Sample, Target, check_target, convert

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""Takes x_t (n, ...) and t (n,), returns the estimate of x_0, (n, ...)."""


class DiffusionModel(nn.Module):
    """A network that predicts `target` on `path`, for samples that live in `space`.

    All methods work in model units: data divided by `scale`, the standard deviation of the data, so that x_0
    has about unit variance, and with a `prior` in its coordinates. `from_data` and `to_data` convert.

    Args:
        network: called as network(x, lambda_, condition) with x (n, ...) of about unit variance at every
            noise level, lambda_ (n,) half the log-SNR, and returns the prediction, (n, ...). It may have a
            method `encode(condition)` for what depends neither on x_t nor on t; `condition` is then its result.
            With an attribute `self_conditioning` that is true, it is called with a fourth argument, an estimate of x_0
            (n, ...), where there is one (Chen et al. 2023, Analog Bits, section 3).
        path: noising path.
        target: what the network's output means.
        space: space in which the samples live; predictions are projected onto it.
        scale: standard deviation of the data, in the data's unit.
        prior: gives the noise the shape of a bond graph; the network sees points all the same. None: plain noise.

    Raises:
        ValueError: `scale` is not positive, `target` is ill-posed on `path`, or a prior is without its space.
    """

    def __init__(
        self,
        network: nn.Module,
        path: Path,
        target: Target,
        space: NoiseSpace,
        scale: float = 1.0,
        prior: HarmonicPrior | None = None,
    ):
        super().__init__()
        if not scale > 0:
            raise ValueError(
                f"scale is the standard deviation of the data and must be positive; got {scale}."
            )
        if prior is not None and not isinstance(space, ZeroCentreOfMass):
            raise ValueError(f"A harmonic prior has no centre of mass: take ZeroCentreOfMass(); got {space}.")
        check_target(target, path)
        self.network = network
        self.path = path
        self.target = target
        self.space = space
        self.scale = scale
        self.prior = prior

    @property
    def self_conditioning(self) -> bool:
        """Whether the network looks at an earlier estimate of x_0."""
        return getattr(self.network, "self_conditioning", False)

    def encode(self, condition: Any) -> Any:
        """Compute once what does not depend on x_t and t; `condition` itself if the network knows nothing of
        the kind."""
        encode = getattr(self.network, "encode", None)
        encoded = condition if encode is None else encode(condition)
        return encoded if self.prior is None else self.prior.attach(encoded, condition)

    def from_data(self, x_0: Tensor, encoded: Any = None, mask: Tensor | None = None) -> Tensor:
        """Samples (n, ...) in data units in model units, projected onto the space; `encoded` is their condition."""
        x_0 = self.space.project(x_0, mask) / self.scale
        return x_0 if self.prior is None else encoded.from_points(x_0)

    def to_data(self, x: Tensor, encoded: Any = None) -> Tensor:
        """States or estimates (n, ...) in model units in data units; `encoded` is their condition."""
        return (x if self.prior is None else encoded.to_points(x)) * self.scale

    def predict(
        self, x_t: Tensor, t: Tensor, condition: Any = None, previous: Tensor | None = None
    ) -> Tensor:
        """Predict `target`.

        Args:
            x_t: noised samples in model units, shape (n, ...).
            t: times, shape (n,).
            condition: what the samples are conditioned on, encoded or not. Its attribute `mask` (n, N), if
                it has one, tells which rows of x_t are real.
            previous: an earlier estimate of x_0 in model units, for a network with self-conditioning, shape (n, ...).

        Returns:
            The prediction in the dtype of `x_t`, shape (n, ...).
        """
        x, known = x_t / expand_like(self.path.spread(t), x_t), condition
        if self.prior is not None:
            condition = condition if isinstance(condition, SpringCoordinates) else self.encode(condition)
            x, known = condition.to_points(x), condition.encoding
            previous = None if previous is None else condition.to_points(previous)
        more = () if previous is None else (previous,)
        pred = self.network(x, self.path.lambda_(t), known, *more).to(x_t.dtype)
        if self.prior is not None:
            pred = condition.from_points(pred)
        return self.space.velocity(pred, x_t, getattr(condition, "mask", None))

    forward = predict

    def denoiser(self, condition: Any = None) -> Denoiser:
        """Return the function (x_t, t) -> estimate of x_0 for one `condition`, which is encoded once."""
        return self.denoiser_of(self.encode(condition))

    def denoiser_of(self, encoded: Any) -> Denoiser:
        """The `denoiser` of a condition that is encoded already: make one for each run of a solver.

        With self-conditioning it keeps its last estimate and shows it to the network at the next evaluation of the same
        shape, so it is no function of (x_t, t) alone: all evaluations of a run must be of the same samples in the same
        order, as in all of our solvers; likelihoods, which differentiate it, are not defined. A solver of several
        stages shows the estimate of the stage before, whatever its time.
        """
        last: Tensor | None = None

        def denoise(x_t: Tensor, t: Tensor) -> Tensor:
            nonlocal last
            previous = last if last is not None and last.shape == x_t.shape else None
            pred = self.predict(x_t, t, encoded, previous)
            x_0_hat = convert(pred, x_t, t, self.path, self.target, Sample())
            last = x_0_hat.detach() if self.self_conditioning else None
            return x_0_hat

        return denoise
