"""Fixed steps and fixed nodes for the probability-flow ODE: what happens to a sample does not depend on batch mates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RungeKutta4:
    """The classical fourth-order method with equal steps in lambda: no step depends on batch mates."""

    num_steps: int = 100

    def __post_init__(self) -> None:
        if self.num_steps < 1:
            raise ValueError(f"RungeKutta4 needs at least one step; got {self.num_steps}.")

    def integrate(
        self, velocity: Callable[[float, Tensor], Tensor], start: Tensor, first: float, last: float
    ) -> Tensor:
        """Integrate dy/ds = velocity(s, y) from s = `first` to `last`."""
        h, y = (last - first) / self.num_steps, start
        for i in range(self.num_steps):
            s = first + i * h
            k_1 = velocity(s, y)
            k_2 = velocity(s + 0.5 * h, y + 0.5 * h * k_1)
            k_3 = velocity(s + 0.5 * h, y + 0.5 * h * k_2)
            k_4 = velocity(s + h, y + h * k_3)
            y = y + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
        return y


@dataclass(frozen=True)
class GaussLegendre:
    """The divergence at few nodes, the path between them by `RungeKutta4`, both in the angle phi = atan(sigma / alpha).

    The divergence costs as many evaluations as a sample has dimensions, the path four a step. In phi, which is t on
    the cosine path, both are smooth up to the ends, so that few nodes serve: double them to see the error.

    Args:
        num_nodes: of the Gauss-Legendre rule.
        num_steps: steps of the path between two nodes.
    """

    num_nodes: int = 16
    num_steps: int = 3

    def __post_init__(self) -> None:
        if self.num_nodes < 1 or self.num_steps < 1:
            raise ValueError(f"GaussLegendre needs at least one node and one step; got {self}.")

    def integrate(
        self, velocity: Callable[[float, Tensor], Tensor], start: Tensor, first: float, last: float
    ) -> Tensor:
        """Integrate dy/ds = velocity(s, y), s = lambda, from `first` to `last`: the path alone."""
        *_, (_, end, _) = self.visit(velocity, start, first, last)
        return end

    def visit(
        self, velocity: Callable[[float, Tensor], Tensor], start: Tensor, first: float, last: float
    ) -> Iterator[tuple[float, Tensor, float]]:
        """Go from lambda = `first` to `last` along dy / d lambda = velocity(lambda, y), and call at every node.

        Yields:
            lambda, y, and the weight there of an integral over lambda; at last the end, of weight 0.
        """
        path, angle, y = RungeKutta4(self.num_steps), _angle(first), start
        for following, weight in self._nodes(angle, _angle(last)):
            y = path.integrate(
                lambda phi, y: _per_angle(phi) * velocity(_lambda(phi), y), y, angle, following
            )
            angle = following
            yield _lambda(angle), y, weight * _per_angle(angle)

    def _nodes(self, first: float, last: float) -> Iterator[tuple[float, float]]:
        """Nodes between the angles `first` and `last` with their weights, and `last` with weight 0."""
        # eigenvalues and first components of the eigenvectors of the Jacobi matrix (Golub and Welsch 1969)
        k = torch.arange(1, self.num_nodes, dtype=torch.float64)
        beside = torch.diag(k / (4 * k.square() - 1).sqrt(), 1)
        places, vectors = torch.linalg.eigh(beside + beside.T)
        for place, share in zip(places.tolist(), vectors[0].square().tolist(), strict=True):
            yield 0.5 * (first + last) + 0.5 * (last - first) * place, (last - first) * share
        yield last, 0.0


def _angle(lambda_: float) -> float:
    """phi = atan(sigma / alpha)."""
    return math.atan(math.exp(-lambda_))


def _lambda(angle: float) -> float:
    return -math.log(math.tan(angle))


def _per_angle(angle: float) -> float:
    """d lambda / d phi."""
    return -2 / math.sin(2 * angle)
