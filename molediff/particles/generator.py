"""The generator of configurations: samples of a particle system together with their exact log-density."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from molediff.core.density.compiled_denoiser import CompiledDenoiser
from molediff.core.density.flow import to_data
from molediff.core.density.likelihood import log_prob, sample_with_log_prob
from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import Denoiser, DiffusionModel
from molediff.core.solvers import DPMSolverPP2M, Step, uniform_lambda
from molediff.networks.kind import check_kind
from molediff.networks.pretrained import load_model
from molediff.particles.energies import Energy
from molediff.particles.settings import Limits, Sampling, read_settings
from molediff.particles.systems import SYSTEMS
from molediff.runtime.checks import check_whole_number, choose_device
from molediff.runtime.words import counted
from molediff.sampling.draw import draw, start_noise
from molediff.sampling.seeds import numbered_generators
from molediff.sampling.trajectory import Trajectory

_BATCH_SIZE, _BATCH_SIZE_OF_DENSITIES = 256, 64


class WithLogDensity(NamedTuple):
    """Configurations and how likely the model was to draw them.

    Attributes:
        x: centred positions in the unit of the system, float64, shape (n, N, d).
        log_density: in nats per volume of the zero-centre-of-mass subspace, float64, shape (n,).
    """

    x: np.ndarray
    log_density: np.ndarray


class ParticleGenerator:
    """Draws configurations of a particle system from a trained diffusion model, and knows their density.

    The probability-flow ODE maps noise to configurations one to one, so that each comes with the exact log-density of
    having been drawn: with the system's energy, that gives weights which turn any mean over samples into one over the
    Boltzmann density. Densities are normalized, in nats, over the (N - 1) d dimensions of zero centre of mass, in the
    unit of the system. Sample i of a call depends on the seed and on i, not on the number of samples or the batch size
    (up to the rounding of floating-point numbers). Global random states are neither read nor set.

    Args:
        model: a trained model of positions, its scale in the system's unit of length.
        metadata: of the weights; tells the system where `energy` is not given.
        device: "cpu", "cuda", or None: "cuda" if there is one.
        energy: the system that the model was trained for, where it is none of "dw4", "lj13" and "lj55".
        compiled: compile the network at its first use, for minutes: for thousands of densities. Equal up to rounding.

    Raises:
        ValueError: the weights are not of a particle system, or there is no compiler.

    Example:
        >>> generator = ParticleGenerator.from_pretrained("dw4")
        >>> x, log_density = generator.generate_with_log_prob(2, seed=1)
        >>> (-generator.energy.energy(x) - log_density).shape  # log-weights
        (2,)
    """

    def __init__(
        self,
        model: DiffusionModel,
        metadata: dict[str, Any] | None = None,
        device: str | torch.device | None = None,
        energy: Energy | None = None,
        compiled: bool = False,
    ):
        check_kind(model.network, "particles")
        self.metadata = dict(metadata or {})
        self.device = choose_device(device)
        self.model = model.to(self.device).eval().requires_grad_(False)
        self.energy = energy if energy is not None else _system_of(self.metadata)
        if not isinstance(self.model.space, ZeroCentreOfMass):
            raise ValueError(
                f"These weights are of a model in {self.model.space}, not of particles about their centre of mass: use "
                "weights of a particle system."
            )
        self._compiled = CompiledDenoiser(self.model.denoiser(), self.model.space) if compiled else None
        self._shape = (self.energy.num_particles, self.energy.num_dimensions)
        # The flow ends at t_min with alpha < 1 of the data and noise of a thousandth beside it.
        start = torch.tensor(model.path.t_min, dtype=torch.float64)
        self._unit = model.scale / float(model.path.alpha(start))

    @classmethod
    def from_pretrained(
        cls,
        weights: str | FilePath = "lj13",
        device: str | torch.device | None = None,
        energy: Energy | None = None,
        compiled: bool = False,
        allow: Sequence[str] = (),
    ) -> ParticleGenerator:
        """Load a generator.

        Args:
            weights: name of weights that ship with the package ("dw4", "lj13"), or path of a `.safetensors` file
                made by training.
            device, energy, compiled: see the class.
            allow: packages of your own that a file may name classes of (see `networks.load_model`).

        Raises:
            FileNotFoundError: there are no such weights.
            ValueError: the file is damaged or was made for something else.
        """
        return cls(*load_model(weights, allow, "particles"), device, energy, compiled)

    def generate(
        self,
        num_samples: int = 1000,
        seed: int = 0,
        *,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        **words: Any,
    ) -> np.ndarray:
        """Draw configurations.

        Args:
            num_samples: number of configurations.
            seed: at least 0.
            sampling: the integration, see `molediff.particles.Sampling`.
            limits: memory, see `molediff.particles.Limits`.
            **words: any setting of the two groups by itself, such as `num_nodes=12`, where its group is not given.

        Returns:
            Centred positions, float64, shape (num_samples, N, d); NaN where the network failed.

        Raises:
            ValueError: an option is out of range, or given twice.
        """
        solver, batch_size = read_settings(sampling, limits, words, _BATCH_SIZE)
        found = [
            to_data(self._denoiser(), self.model.path, self._spread * noise, solver, self.model.space)
            for noise in self._noise(num_samples, seed, batch_size)
        ]
        return self._positions(found)

    def generate_with_log_prob(
        self,
        num_samples: int = 1000,
        seed: int = 0,
        *,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        first: int = 0,
        **words: Any,
    ) -> WithLogDensity:
        """Draw the configurations that `generate` draws, with their log-densities, in one pass.

        Args:
            num_samples, seed, sampling, limits, words: as for `generate`.
            first: number of the first configuration, to draw those of one seed in several calls.

        Returns:
            Positions `x` and their `log_density`; a pair that can be unpacked.

        Raises:
            ValueError: an option is out of range, or given twice.
        """
        solver, batch_size = read_settings(sampling, limits, words, _BATCH_SIZE_OF_DENSITIES)
        model = self.model
        found = [
            sample_with_log_prob(self._denoiser(), model.path, noise, model.space, solver=solver)
            for noise in self._noise(num_samples, seed, batch_size, first)
        ]
        return WithLogDensity(
            self._positions([x for x, _ in found]), self._densities([density for _, density in found])
        )

    def log_prob(
        self,
        x: np.ndarray,
        *,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        **words: Any,
    ) -> np.ndarray:
        """Log-densities of configurations under the model.

        Args:
            x: positions in the unit of the system, shape (n, N, d). Where their centre is does not matter.
            sampling, limits, words: as for `generate_with_log_prob`.

        Returns:
            (n,), float64, in nats per volume of the zero-centre-of-mass subspace.

        Raises:
            ValueError: a wrong shape, a position that is not finite, or an option out of range.
        """
        solver, batch_size = read_settings(sampling, limits, words, _BATCH_SIZE_OF_DENSITIES)
        model = self.model
        states = torch.from_numpy(self._checked(x) / self._unit).to(self.device, self._dtype)
        found = [
            log_prob(self._denoiser(), model.path, part, space=model.space, solver=solver).log_prob
            for part in states.split(batch_size)
        ]
        return self._densities(found)

    def trajectory(self, num_samples: int = 1, seed: int = 0, num_steps: int = 100) -> Trajectory:
        """Draw configurations by DPM-Solver++(2M) in equal steps of lambda and keep the way, `num_steps` states.

        Raises:
            ValueError: an option is out of range.
        """
        check_whole_number("num_steps", num_steps, least=1)
        check_whole_number("num_samples", num_samples, least=1)
        check_whole_number("seed", seed, least=0)
        model, steps = self.model, list[Step]()
        generators = numbered_generators(seed, range(num_samples))
        times = uniform_lambda(model.path, num_steps)
        x_1 = start_noise(model, times, self._shape, generators, None, self.device, self._dtype)
        draw(model, DPMSolverPP2M(), times, model.denoiser(), x_1, generators, callback=steps.append)
        return Trajectory.of(steps, lambda x: (model.scale * x).double().cpu().numpy())

    def _denoiser(self) -> Denoiser:
        return self._compiled or self.model.denoiser()

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.model.parameters()).dtype

    @property
    def _spread(self) -> float:
        """Standard deviation of the state at the noisy end: of noise, and of data of unit variance."""
        path = self.model.path
        return float(path.spread(torch.tensor(path.t_max, dtype=torch.float64)))

    def _noise(self, num_samples: int, seed: int, batch_size: int, first: int = 0) -> Iterator[Tensor]:
        """Unit noise in batches (n, N, d)."""
        for name, value, least in (
            ("num_samples", num_samples, 1),
            ("seed", seed, 0),
            ("first", first, 0),
        ):
            check_whole_number(name, value, least)
        for start in range(first, first + num_samples, batch_size):
            numbers = range(start, min(start + batch_size, first + num_samples))
            shape, generators = (len(numbers), *self._shape), numbered_generators(seed, numbers)
            yield self.model.space.sample(shape, generators, device=self.device, dtype=self._dtype)

    def _positions(self, states: list[Tensor]) -> np.ndarray:
        x = self._unit * torch.cat(states).double()
        return (x - x.mean(1, keepdim=True)).cpu().numpy()

    def _densities(self, of_states: list[Tensor]) -> np.ndarray:
        density = torch.cat(of_states).double() - self.energy.degrees_of_freedom * math.log(self._unit)
        return density.cpu().numpy()

    def _checked(self, x: np.ndarray) -> np.ndarray:
        try:
            x = np.asarray(x, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"x must be an array of positions; got {type(x).__name__}.") from error
        if x.ndim != 3 or x.shape[1:] != self._shape:
            raise ValueError(
                f"x must be positions (n, {self._shape[0]}, {self._shape[1]}); got shape {x.shape}."
            )
        if not len(x):
            raise ValueError("x holds no configuration.")
        finite = np.isfinite(x).all((1, 2))
        if not finite.all():
            raise ValueError(
                f"{(~finite).sum()} of {counted(len(x), 'configuration')} with positions that are not "
                "finite, the first is "
                f"number {int((~finite).argmax())}: leave them out."
            )
        return x - x.mean(1, keepdims=True)


def _system_of(metadata: dict[str, Any]) -> Energy:
    """The system that weights were trained for.

    Raises:
        ValueError: they do not say, or say none that is known.
    """
    name = metadata.get("config", {}).get("data", {}).get("system")
    if name not in SYSTEMS:
        said = (
            "name no particle system" if name is None else f"are of the system {name!r}, which is not known"
        )
        raise ValueError(
            f"These weights {said}: use weights of {', '.join(SYSTEMS)}, or pass the `energy` they were trained for."
        )
    return SYSTEMS[name].energy
