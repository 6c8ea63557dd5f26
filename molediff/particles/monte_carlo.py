r"""Replica exchange with Hamiltonian Monte Carlo inside, for many independent chains at once.

Every chain holds one configuration at each level of a `Ladder`; level k has the density exp(-u_k(x)) with
u_k(x) = a_k u(x) + b_k |x|^2 / (2 s^2): temperatures (b = 0, a = 1 / T), or a bridge from a Gaussian of standard
deviation s to the system. Level 0 is the system itself. One leapfrog step a move is MALA.

Sources: Duane et al. 1987 and Neal 2011 (HMC); Swendsen and Wang 1986, Geyer 1991 (replica exchange); Andrieu and
Thoms 2008 (step adaptation, here in burn-in only, so that what is kept comes from one fixed Markov kernel).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from molediff.particles.energies import Energy, pair_distances
from molediff.particles.ladder import Ladder
from molediff.runtime.progress import tqdm
from molediff.runtime.words import counted

# Pairs of particles evaluated together: their terms stay in a processor's second-level cache.
CHUNK_PAIRS = 20_000
# Of HMC moves; between the optimum in many dimensions, 0.651 (Beskos et al. 2013), and MALA's 0.574, on the safe side.
TARGET_ACCEPTANCE = 0.7


@dataclass(frozen=True)
class Settings:
    """How long, how many, how often.

    Attributes:
        num_chains: independent chains.
        num_draws: configurations kept of each chain.
        thinning: moves between two of them.
        burn_in: moves before the first, in which the steps adapt.
        num_leapfrog: leapfrog steps a move; 1 is MALA. All trajectories have one length: if it is half a period of a
            harmonic system, energies hardly change (seen as a high R-hat): take another number.
        record_every: moves between two entries of the traces.
        swap_every: moves between two rounds of swaps.
        initial_std: of the Gaussian that chains start from, before overlaps are relaxed, in units of length.
    """

    num_chains: int
    num_draws: int
    thinning: int
    burn_in: int = 1000
    num_leapfrog: int = 4
    record_every: int = 1
    swap_every: int = 2
    initial_std: float = 1.0


@dataclass
class Replicas:
    """Where the chains are: positions, gradients (K, C, N, d), energies and squared norms (K, C)."""

    x: Tensor
    energy: Tensor
    gradient: Tensor
    squared: Tensor


@dataclass
class Run:
    """What a run gives.

    Attributes:
        positions: kept configurations of the system, float64, (num_chains, num_draws, N, d), centred.
        energy: reduced energies at all levels, float64, (K, num_chains, num_records).
        squared: |x|^2 at all levels, (K, num_chains, num_records).
        traces: observables of the system by name, (num_chains, num_records).
        acceptance: share of accepted moves at each level after burn-in, (K,).
        swap_rates: share of accepted swaps between neighbours after burn-in, (K - 1,).
        step_sizes: of each level, (K,).
    """

    positions: np.ndarray
    energy: np.ndarray
    squared: np.ndarray
    traces: dict[str, np.ndarray]
    acceptance: np.ndarray
    swap_rates: np.ndarray
    step_sizes: np.ndarray


@dataclass
class Sampler:
    """Replica exchange of one system.

    Args:
        energy: the system.
        ladder: its levels.
        settings: the counts.
        generator: of every random number, on the CPU.
    """

    energy: Energy
    ladder: Ladder
    settings: Settings
    generator: torch.Generator
    step_sizes: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self._system = torch.tensor(self.ladder.system, dtype=torch.float64)
        self._reference = torch.tensor(self.ladder.reference, dtype=torch.float64) / self.ladder.std**2
        self.step_sizes = torch.full((len(self.ladder),), 0.01 * self.settings.initial_std).double()
        self._moves = 0

    def run(self, progress: bool = False, description: str = "Monte Carlo") -> Run:
        """Burn in, then sample.

        Raises:
            ValueError: the potential returned NaN.
        """
        settings = self.settings
        total = settings.burn_in + settings.num_draws * settings.thinning
        levels, size = len(self.ladder), settings.num_chains
        accepted, swapped = torch.zeros(levels).double(), torch.zeros(levels - 1).double()
        rounds = torch.zeros(levels - 1)
        positions, energies, squares, observed = [], [], [], []
        state = self._start()
        for move in tqdm(range(total), desc=description, unit=" moves", disable=not progress):
            burning = move < settings.burn_in
            probability, taken = self._move(state)
            if burning:
                self._adapt(probability.view(levels, size).mean(1))
            else:
                accepted += taken.view(levels, size).double().mean(1)
            if levels > 1 and move % settings.swap_every == 0:
                parity = (move // settings.swap_every) % 2
                self._refresh_gaussian(state)
                rate = self._swap(state, parity)
                if not burning:
                    swapped[parity::2] += rate
                    rounds[parity::2] += 1
            kept = move - settings.burn_in + 1
            if kept > 0 and kept % settings.record_every == 0:
                energies.append(state.energy.clone())
                squares.append(state.squared.clone())
                observed.append(observables(state.x[0]))
            if kept > 0 and kept % settings.thinning == 0:
                positions.append(state.x[0].clone())
        return Run(
            positions=torch.stack(positions, 1).numpy(),
            energy=torch.stack(energies, 2).numpy(),
            squared=torch.stack(squares, 2).numpy(),
            traces={"energy": torch.stack(energies, 2)[0].numpy()}
            | {name: torch.stack([row[name] for row in observed], 1).numpy() for name in observed[0]},
            acceptance=(accepted / (settings.num_draws * settings.thinning)).numpy(),
            swap_rates=(swapped / rounds.clamp(min=1)).numpy(),
            step_sizes=self.step_sizes.numpy(),
        )

    def _start(self) -> Replicas:
        shape = (
            len(self.ladder),
            self.settings.num_chains,
            self.energy.num_particles,
            self.energy.num_dimensions,
        )
        x = self._normal(shape) * self.settings.initial_std
        # Overlaps are taken apart by steepest descent whose steps are bounded: their forces are astronomical.
        longest = 0.05 * self.settings.initial_std
        for _ in range(100):
            gradient = self._evaluate(x)[1]
            x -= gradient * (longest / gradient.norm(dim=-1, keepdim=True).clamp(min=1.0))
        x = self._centre(x)
        energy, gradient = self._evaluate(x)
        return Replicas(x, energy, gradient, x.square().sum((2, 3)))

    def _evaluate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (K, C) and gradients of positions (K, C, N, d)."""
        flat = x.flatten(0, 1)
        num_pairs = self.energy.num_particles * (self.energy.num_particles - 1) // 2
        chunks = flat.split(max(CHUNK_PAIRS // num_pairs, 1))
        parts = [self.energy.energy_and_gradient(chunk) for chunk in chunks]
        energy = torch.cat([part[0] for part in parts])
        if energy.isnan().any():
            self._refuse_nan(flat, energy)
        return energy.view(x.shape[:2]), torch.cat([part[1] for part in parts]).view(x.shape)

    @staticmethod
    def _refuse_nan(x: Tensor, energy: Tensor) -> None:
        """A trajectory that flew to infinity is rejected later; NaN at finite coordinates is the potential's fault."""
        wrong = energy.isnan() & x.isfinite().flatten(1).all(1)
        if wrong.any():
            raise ValueError(
                f"The potential returned NaN for {counted(int(wrong.sum()), 'configuration')} with "
                "finite coordinates, such as "
                f"{x[wrong][0].tolist()}: it must give a number or +inf everywhere, or no data can be drawn from it."
            )

    def _reduced(self, energy: Tensor, squared: Tensor) -> Tensor:
        """u_k (K, C) of what stands at level k; 0 times an infinite energy is 0."""
        system = self._system[:, None]
        scaled = torch.where(system > 0, system * energy, torch.zeros_like(energy))
        return scaled + 0.5 * self._reference[:, None] * squared

    def _slope(self, x: Tensor, gradient: Tensor) -> Tensor:
        a, b = self._system[:, None, None, None], self._reference[:, None, None, None]
        return torch.where(a > 0, a * gradient, torch.zeros_like(gradient)) + b * x

    def _move(self, state: Replicas) -> tuple[Tensor, Tensor]:
        """One HMC move of every replica, in place; its acceptance probabilities and what was accepted, (K C,)."""
        step = self.step_sizes[:, None, None, None]
        momentum = self._normal(tuple(state.x.shape))
        before = self._reduced(state.energy, state.squared) + 0.5 * momentum.square().sum((2, 3))
        x, gradient = state.x, state.gradient
        momentum = momentum - 0.5 * step * self._slope(x, gradient)
        for index in range(self.settings.num_leapfrog):
            x = x + step * momentum
            energy, gradient = self._evaluate(x)
            last = index == self.settings.num_leapfrog - 1
            momentum = momentum - (0.5 if last else 1.0) * step * self._slope(x, gradient)
        squared = x.square().sum((2, 3))
        after = self._reduced(energy, squared) + 0.5 * momentum.square().sum((2, 3))
        # NaN and +inf after a trajectory that flew apart: never accepted.
        probability = (before - after).nan_to_num(nan=-math.inf, neginf=-math.inf).clamp(max=0).exp()
        taken = torch.rand(probability.shape, generator=self.generator, dtype=torch.float64) < probability
        state.x[taken] = self._centre(x[taken])
        state.gradient[taken] = gradient[taken]
        state.energy[taken] = energy[taken]
        state.squared[taken] = squared[taken]
        return probability, taken

    def _refresh_gaussian(self, state: Replicas) -> None:
        """Where the last level is the Gaussian itself, its configurations are drawn anew."""
        if self._system[-1] == 0:
            x = self._normal(tuple(state.x[-1:].shape)) * self.ladder.std
            energy, gradient = self._evaluate(x)
            state.x[-1:], state.gradient[-1:] = x, gradient
            state.energy[-1:], state.squared[-1:] = energy, x.square().sum((2, 3))

    def _adapt(self, acceptance: Tensor) -> None:
        """Robbins-Monro on log step sizes towards the target acceptance."""
        self._moves += 1
        gain = 2.0 * (10 + self._moves) ** -0.6
        self.step_sizes = self.step_sizes * torch.exp(gain * (acceptance - TARGET_ACCEPTANCE))

    def _swap(self, state: Replicas, parity: int) -> Tensor:
        """Metropolis swaps between levels k and k + 1, k = parity, parity + 2, ...; the share accepted of each."""
        low = torch.arange(parity, len(self.ladder) - 1, 2)
        high = low + 1
        gain = (self._system[low] - self._system[high])[:, None] * (state.energy[low] - state.energy[high])
        gain = gain + 0.5 * (self._reference[low] - self._reference[high])[:, None] * (
            state.squared[low] - state.squared[high]
        )
        taken = torch.rand(gain.shape, generator=self.generator, dtype=torch.float64) < gain.exp()
        for values in (state.x, state.gradient, state.energy, state.squared):
            chosen = taken.view(*taken.shape, *(1,) * (values.ndim - 2))
            below, above = values[low], values[high]
            values[low] = torch.where(chosen, above, below)
            values[high] = torch.where(chosen, below, above)
        return taken.double().mean(1)

    def _normal(self, shape: tuple[int, ...]) -> Tensor:
        return self._centre(torch.randn(shape, generator=self.generator, dtype=torch.float64))

    @staticmethod
    def _centre(x: Tensor) -> Tensor:
        return x - x.mean(-2, keepdim=True)


def observables(x: Tensor) -> dict[str, Tensor]:
    """Slow observables of configurations (n, N, d): radius of gyration, shortest and longest pair distance, (n,)."""
    distances = pair_distances(x)
    return {
        "radius_of_gyration": x.square().sum(2).mean(1).sqrt(),
        "shortest_distance": distances.amin(1),
        "longest_distance": distances.amax(1),
    }
