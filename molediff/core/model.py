"""A network together with the meaning of its input and output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from molediff.core.geometry.space import NoiseSpace
from molediff.core.paths import Path, expand_like
from molediff.core.target import Sample, Target, check_target, convert

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""Takes x_t (n, ...) and t (n,), returns the estimate of x_0, (n, ...)."""


class Condition(Protocol):
    """What n samples are conditioned on, or what a network has made of it. None stands for no condition."""

    def repeat(self, k: int, /) -> Condition:
        """Each of them `k` times, copies next to each other: sample i becomes samples i k to i k + k - 1."""


@runtime_checkable
class Masked(Protocol):
    """A condition of samples that are padded to one size."""

    @property
    def mask(self) -> Tensor:
        """True for the real rows of each sample, shape (n, N)."""


@runtime_checkable
class Droppable(Protocol):
    """A condition that samples can go without, as classifier-free guidance is trained."""

    def without(self, dropped: Tensor, /) -> Condition:
        """The same with that of the samples in `dropped` (n,) taken away."""


@runtime_checkable
class WithEquivalentPoints(Protocol):
    """A condition under which points of a sample are alike, as the hydrogens of a methyl group are."""

    def equivalent_points(self, copies: int = 1, /) -> Sequence[Tensor]:
        """Sets of such points.

        Args:
            copies: samples of each condition, next to each other.

        Returns:
            Tensors (G, k), each row the places of k such points among the n copies N flattened ones. A point is in one
            row at most.
        """


@runtime_checkable
class WithNoise(Protocol):
    """A condition that comes with the noise from which its samples were drawn."""

    @property
    def noise(self) -> Tensor | None:
        """Unit noise, shape (n, ...); None where it is not known."""


class Network(Protocol):
    """What a torch module must be to serve as the network of a `DiffusionModel`."""

    def __call__(self, x: Tensor, lambda_: Tensor, condition: Condition | None, /) -> Tensor:
        """Predict the target, (n, ...), from `x` (n, ...) of about unit variance at every noise level, half the log-SNR
        `lambda_` (n,), and what is known of the samples."""


@runtime_checkable
class Encoder(Protocol):
    """A network with a part that needs neither x_t nor t, which then runs once for many evaluations."""

    def encode(self, condition: Condition | None, /) -> Condition | None:
        """What the network may be called with in place of `condition`."""


@runtime_checkable
class EnergyNetwork(Protocol):
    """A network that can tell energies of its estimates of x_0, and whether it was built to."""

    @property
    def gives_energies(self) -> bool:
        """Whether it does."""

    def with_energies(
        self, x: Tensor, lambda_: Tensor, condition: Condition | None, /
    ) -> tuple[Tensor, Tensor]:
        """What the call gives, and energies (n,), of which those of one condition can be compared."""


def mask_of(condition: Condition | None) -> Tensor | None:
    """True for the real rows of the samples of `condition`, (n, N); None if nothing is padded."""
    return condition.mask if condition is not None and isinstance(condition, Masked) else None


class DiffusionModel(nn.Module):
    """A network that predicts `target` on `path`, for samples that live in `space`.

    All methods work in model units: data divided by `scale`, the standard deviation of the data, so that x_0 has about
    unit variance. `from_data` and `to_data` convert.

    Args:
        network: a `Network`; an `Encoder` as well where much of it depends on the condition alone.
        path: noising path.
        target: what the network's output means.
        space: space in which the samples live; predictions are projected onto it.
        scale: standard deviation of the data, in the data's unit.

    Raises:
        ValueError: `scale` is not positive, or `target` is ill-posed on `path`.

    Example:
        >>> import torch
        >>> from molediff.core import DDIM, CosineVP, DiffusionModel, FullSpace, Sample, uniform_lambda
        >>> class Mean(torch.nn.Module):
        ...     def forward(self, x, lambda_, condition):
        ...         return torch.full_like(x, 0.5)
        >>> model = DiffusionModel(Mean(), CosineVP(), Sample(), FullSpace(), scale=2.0)
        >>> times = uniform_lambda(model.path, 10)
        >>> x = DDIM().sample(model.denoiser(), model.path, times, torch.randn(3, 2))
        >>> model.to_data(x).round(decimals=1)
        tensor([[1., 1.],
                [1., 1.],
                [1., 1.]])
    """

    def __init__(
        self, network: nn.Module, path: Path, target: Target, space: NoiseSpace, scale: float = 1.0
    ) -> None:
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

    def encode(self, condition: Condition | None, copies: int = 1) -> Condition | None:
        """Compute once what does not depend on x_t and t.

        Args:
            condition: of n samples; itself the answer if the network is no `Encoder`.
            copies: samples of each, next to each other.

        Returns:
            What is known of n copies samples; None if that is nothing.
        """
        encoded = self.network.encode(condition) if isinstance(self.network, Encoder) else condition
        return encoded if encoded is None or copies == 1 else encoded.repeat(copies)

    def from_data(self, x_0: Tensor, mask: Tensor | None = None) -> Tensor:
        """Samples (n, ...) in data units in model units, projected onto the space."""
        return self.space.project(x_0, mask) / self.scale

    def to_data(self, x: Tensor) -> Tensor:
        """States or estimates (n, ...) in model units in data units."""
        return x * self.scale

    def predict(self, x_t: Tensor, t: Tensor, condition: Condition | None = None) -> Tensor:
        """Predict `target`.

        Args:
            x_t: noised samples in model units, shape (n, ...).
            t: times, shape (n,).
            condition: what the samples are conditioned on, encoded or not. If it is `Masked`, its mask (n, N) tells
                which rows of x_t are real.

        Returns:
            The prediction in the dtype of `x_t`, shape (n, ...).
        """
        pred = self.network(*self._seen(x_t, t), condition)
        return self.space.project(pred.to(x_t.dtype), mask_of(condition))

    forward = predict

    @property
    def gives_energies(self) -> bool:
        """Whether `predict_with_energies` can be called."""
        return isinstance(self.network, EnergyNetwork) and self.network.gives_energies

    def predict_with_energies(
        self, x_t: Tensor, t: Tensor, condition: Condition | None = None
    ) -> tuple[Tensor, Tensor]:
        """`predict`, and energies (n,) of the estimates of x_0 that it means, in the unit that the network learned.

        Raises:
            ValueError: the network tells no energies.
        """
        if not isinstance(self.network, EnergyNetwork):
            raise ValueError(f"{type(self.network).__name__} tells no energies.")
        pred, energies = self.network.with_energies(*self._seen(x_t, t), condition)
        return self.space.project(pred.to(x_t.dtype), mask_of(condition)), energies

    def _seen(self, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """What the network is shown: states of about unit variance, and half the log-SNR."""
        return x_t / expand_like(self.path.spread(t), x_t), self.path.lambda_(t)

    def denoiser(self, condition: Condition | None = None) -> Denoiser:
        """Return the function (x_t, t) -> estimate of x_0 for one `condition`, which is encoded once."""
        return self.denoiser_of(self.encode(condition))

    def denoiser_of(
        self, encoded: Condition | None, tell_energies: Callable[[Tensor], None] | None = None
    ) -> Denoiser:
        """The `denoiser` of a condition that is encoded already.

        Args:
            encoded: the condition.
            tell_energies: is called with the energies (n,) of each estimate; None: they are not computed.

        Raises:
            ValueError: the network tells no energies.
        """

        def denoise(x_t: Tensor, t: Tensor) -> Tensor:
            if tell_energies is None:
                pred = self.predict(x_t, t, encoded)
            else:
                pred, energies = self.predict_with_energies(x_t, t, encoded)
                tell_energies(energies)
            return convert(pred, x_t, t, self.path, self.target, Sample())

        return denoise
