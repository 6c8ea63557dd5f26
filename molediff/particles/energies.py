r"""Systems of N particles in d dimensions whose Boltzmann density p(x) = exp(-u(x)) / Z is known up to Z.

Energies are reduced, u = U / kT, and depend on nothing but the particles' relative positions, so p is a density over
the (N - 1) d dimensions of zero centre of mass. Two conventions of the 13-particle Lennard-Jones cluster are in use
whose figures must not be compared: that of `LennardJones` (Klein et al. 2023; Akhound-Sadegh et al. 2024, iDEM) and
that of Koehler et al. 2020, whose pair term is half as large.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import overload

import numpy as np
import torch
from torch import Tensor

from molediff.runtime.words import counted

PairFunction = Callable[[Tensor], Tensor]


def pair_distances(x: Tensor) -> Tensor:
    """Distances (n, N (N - 1) / 2) of all pairs in positions (n, N, d), in the order of `triu_indices`."""
    first, second = torch.triu_indices(x.shape[1], x.shape[1], offset=1, device=x.device)
    return (x[:, first] - x[:, second]).norm(dim=2)


class Energy(ABC):
    """A translation-invariant reduced energy of `num_particles` particles.

    Args:
        num_particles: N, at least 2.
        num_dimensions: dimension d of the space that the particles live in.

    Raises:
        ValueError: fewer than two particles or less than one dimension.
    """

    identical = True
    """Whether the particles are identical: the energy does not change when they are relabelled."""

    def __init__(self, num_particles: int, num_dimensions: int) -> None:
        if num_particles < 2 or num_dimensions < 1:
            raise ValueError(
                "A system has at least 2 particles in at least 1 dimension; "
                f"got {num_particles} in {num_dimensions}."
            )
        self.num_particles = num_particles
        self.num_dimensions = num_dimensions

    @property
    def degrees_of_freedom(self) -> int:
        """Dimension (N - 1) d of the space of zero centre of mass; the mean of x . grad u."""
        return (self.num_particles - 1) * self.num_dimensions

    @overload
    def energy(self, x: Tensor) -> Tensor: ...
    @overload
    def energy(self, x: np.ndarray) -> np.ndarray: ...
    def energy(self, x: Tensor | np.ndarray) -> Tensor | np.ndarray:
        """Reduced energies U / kT of configurations.

        Args:
            x: positions (n, N, d), an array or a tensor of floating-point numbers.

        Returns:
            (n,), of the kind and type of `x`; differentiable for tensors. A repulsion that diverges gives +inf where
            particles overlap, never NaN.

        Raises:
            ValueError: not of shape (n, N, d), or not floating-point.
        """
        if isinstance(x, np.ndarray):
            return self._energy(self._checked(torch.from_numpy(x))).numpy()
        return self._energy(self._checked(x))

    @overload
    def force(self, x: Tensor) -> Tensor: ...
    @overload
    def force(self, x: np.ndarray) -> np.ndarray: ...
    def force(self, x: Tensor | np.ndarray) -> Tensor | np.ndarray:
        """Forces -grad u, which are the score of the Boltzmann density.

        Args:
            x: positions (n, N, d), an array or a tensor.

        Returns:
            (n, N, d), of the kind and type of `x`, without a graph.

        Raises:
            ValueError: a wrong shape, or configurations whose force is not defined, since particles overlap.
        """
        positions = self._checked(torch.from_numpy(x) if isinstance(x, np.ndarray) else x.detach())
        force = -self.energy_and_gradient(positions)[1]
        undefined = ~force.isfinite().flatten(1).all(1)
        if undefined.any():
            raise ValueError(
                f"The force is not defined for {int(undefined.sum())} of "
                f"{counted(len(force), 'configuration')} (the first is "
                f"number {int(undefined.nonzero()[0])}): particles overlap or coordinates are not finite."
            )
        return force.numpy() if isinstance(x, np.ndarray) else force

    def energy_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Reduced energies (n,) and their gradients (n, N, d), without a graph; unchecked, for samplers."""
        with torch.enable_grad():
            positions = x.detach().requires_grad_(True)
            energy = self._energy(positions)
            (gradient,) = torch.autograd.grad(energy.sum(), positions)
        return energy.detach(), gradient

    @abstractmethod
    def _energy(self, x: Tensor) -> Tensor:
        """Energies (n,) of positions (n, N, d), differentiable."""

    def _checked(self, x: Tensor) -> Tensor:
        expected = (self.num_particles, self.num_dimensions)
        if x.ndim != 3 or x.shape[1:] != expected:
            raise ValueError(f"Positions have shape (n, {expected[0]}, {expected[1]}); got {tuple(x.shape)}.")
        if not x.is_floating_point():
            raise ValueError(f"Positions are floating-point numbers; got {x.dtype}.")
        return x


class PairPotential(Energy):
    r"""Sum of one function over all pairs and of a harmonic confinement to the centre of mass.

    u(x) = sum over i < j of `function`(\|x_i - x_j\|) + `confinement` / 2 sum over i of \|x_i - x_cm\|^2.

    Args:
        function: reduced pair energy of distances r > 0, elementwise on tensors of any shape. Where the repulsion
            diverges it gives +inf for r -> 0 (write r^-12 - r^-6 as r^-6 (r^-6 - 1): inf - inf is NaN).
        num_particles: N.
        num_dimensions: d.
        confinement: spring constant in units of kT over length squared. A pair function that vanishes at infinity
            needs one, or its density cannot be normalized.
        derivative: of `function`; by autograd where it is not given.

    Example:
        >>> gaussians = PairPotential(lambda r: 0.5 * r**2, num_particles=3, num_dimensions=2)
        >>> gaussians.energy(np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]))
        array([2.])
    """

    def __init__(
        self,
        function: PairFunction,
        num_particles: int,
        num_dimensions: int,
        confinement: float = 0.0,
        derivative: PairFunction | None = None,
    ) -> None:
        super().__init__(num_particles, num_dimensions)
        self.function = function
        self.confinement = confinement
        self._derivative = derivative
        self._first, self._second = torch.triu_indices(num_particles, num_particles, offset=1)

    def _energy(self, x: Tensor) -> Tensor:
        x = x.permute(1, 2, 0)  # sums over pairs are then sums over rows
        energy = self.function(self._apart(x)[1]).sum(0)
        if self.confinement:
            energy = energy + 0.5 * self.confinement * (x - x.mean(0)).square().sum((0, 1))
        return energy

    def energy_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().permute(1, 2, 0).contiguous()
        difference, distance = self._apart(x)
        value, slope = self._value_and_slope(distance)
        along = difference.mul_((slope / distance)[:, None])
        gradient = torch.zeros_like(x).index_add_(0, self._first.to(x.device), along)
        gradient.index_add_(0, self._second.to(x.device), along, alpha=-1)
        energy = value.sum(0)
        if self.confinement:
            centred = x - x.mean(0)
            energy += 0.5 * self.confinement * centred.square().sum((0, 1))
            gradient.add_(centred, alpha=self.confinement)
        return energy, gradient.permute(2, 0, 1).contiguous()

    def _apart(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Differences (P, d, n) and distances (P, n) of the pairs of `x` (N, d, n)."""
        difference = x.index_select(0, self._first.to(x.device)) - x.index_select(
            0, self._second.to(x.device)
        )
        # Never exactly zero, where the root has no derivative.
        squared = difference.square().sum(1).clamp(min=torch.finfo(x.dtype).tiny)
        return difference, squared.sqrt()

    def _value_and_slope(self, distance: Tensor) -> tuple[Tensor, Tensor]:
        if self._derivative is not None:
            return self.function(distance), self._derivative(distance)
        with torch.enable_grad():
            r = distance.detach().requires_grad_(True)
            value = self.function(r)
            (slope,) = torch.autograd.grad(value.sum(), r)
        return value.detach(), slope


class DoubleWell(PairPotential):
    r"""DW4: particles in the plane, every pair in a double well (Koehler et al. 2020; Klein et al. 2023, eq. 14).

    u(x) = sum over i < j of -4 (r_ij - 4)^2 + 0.9 (r_ij - 4)^4, at kT = 1, with no confinement: in Klein's notation
    a = 0, b = -4, c = 0.9, d_0 = 4, tau = 1. A pair has its minima of -4.44 kT at r = 4 - 1.491 and 4 + 1.491 and a
    barrier of that height between them.

    Args:
        num_particles: 4 in DW4.
    """

    def __init__(self, num_particles: int = 4) -> None:
        super().__init__(_double_well, num_particles, 2, derivative=_double_well_slope)


class LennardJones(PairPotential):
    r"""LJ13 and LJ55: a Lennard-Jones cluster in a harmonic trap (Klein et al. 2023; iDEM, Akhound-Sadegh et al. 2024).

    u(x) = 2 sum over i < j of (r_ij^-12 - 2 r_ij^-6) + 1/2 sum over i of \|x_i - x_cm\|^2, at kT = 1, with distances in
    units of the pair minimum r_m = 1. A pair is bound by 2 kT. Koehler et al. 2020 sum every pair once where this
    convention sums it twice, which halves the wells: their energies and likelihoods are those of another system.

    Args:
        num_particles: 13 or 55.
    """

    def __init__(self, num_particles: int = 13) -> None:
        super().__init__(_lennard_jones, num_particles, 3, confinement=1.0, derivative=_lennard_jones_slope)


def _double_well(r: Tensor) -> Tensor:
    squared = (r - 4).square()
    return squared * (0.9 * squared - 4)


def _double_well_slope(r: Tensor) -> Tensor:
    stretch = r - 4
    return stretch * (3.6 * stretch.square() - 8)


def _lennard_jones(r: Tensor) -> Tensor:
    attraction = r.square().reciprocal().pow(3)
    return 2 * attraction * (attraction - 2)


def _lennard_jones_slope(r: Tensor) -> Tensor:
    inverse = r.reciprocal()
    attraction = inverse.square().pow(3)
    return -24 * inverse * attraction * (attraction - 1)


dw4 = DoubleWell(4)
lj13 = LennardJones(13)
lj55 = LennardJones(55)
