r"""How data and noise are paired in training.

A coupling receives data x_0 and noise eps, and returns the x_0 to pair with that eps. It may turn or reorder
the data, never the noise: eps stays a unit normal. For any coupling

    x_t = alpha E[x_0 | x_t] + sigma E[eps | x_t],

so the learned denoiser drives the probability-flow ODE exactly (stochastic interpolants, Albergo et al.
2023, theorem 6). The identity score = -E[eps | x_t] / sigma, and with it the reverse SDE (every solver with
eta > 0) and the likelihood weighting, hold for the independent coupling alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

from molediff.core.geometry.kabsch import kabsch
from molediff.core.model import Condition, WithEquivalentPoints


class Coupling(ABC):
    """Chooses the data that goes with a draw of noise."""

    @abstractmethod
    def __call__(self, x_0: Tensor, eps: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pair data with noise.

        Args:
            x_0: data, shape (n, ...).
            eps: noise, shape (n, ...).
            mask: for samples (n, N, d), true for real rows, shape (n, N).

        Returns:
            `x_0` turned or reordered to go with `eps`, shape (n, ...).
        """

    def for_condition(self, condition: Condition | None, copies: int) -> Coupling:
        """This coupling with what it has to know of the samples, `copies` of each of `condition` in a row."""
        return self


@dataclass(frozen=True)
class Independent(Coupling):
    """Data and noise as drawn, independent of each other: the coupling of diffusion models."""

    def __call__(self, x_0: Tensor, eps: Tensor, mask: Tensor | None = None) -> Tensor:
        return x_0


@dataclass(frozen=True)
class RotationalAlignment(Coupling):
    """Turn each point set onto its noise by the best proper rotation, about the centre (Song et al. 2023,
    equivariant flow matching).

    For data whose distribution does not change under rotation. It straightens the paths of the ODE. The SDE
    is no longer exact: see the module's docstring.
    """

    def __call__(self, x_0: Tensor, eps: Tensor, mask: Tensor | None = None) -> Tensor:
        rotation = kabsch(x_0, eps, mask)
        with torch.autocast(x_0.device.type, enabled=False):
            return (x_0.to(rotation) @ rotation.mT).to(x_0)


@dataclass(frozen=True)
class PermutationalAlignment(Coupling):
    """Reorder the points of each set so that the sum of squared distances to its noise is least (Hungarian
    algorithm).

    For sets of identical particles. Real rows keep their places among themselves: padding stays padding. Needs SciPy.
    """

    def __call__(self, x_0: Tensor, eps: Tensor, mask: Tensor | None = None) -> Tensor:
        from scipy.optimize import linear_sum_assignment

        # The squares are the same for every pairing, so the inner products decide.
        gain = (eps.detach().double() @ x_0.detach().double().mT).cpu()
        real = torch.ones(x_0.shape[:2], dtype=torch.bool) if mask is None else mask.cpu()
        order = torch.arange(x_0.shape[1]).repeat(len(x_0), 1)
        for sample_gain, sample_real, sample_order in zip(gain, real, order, strict=True):
            rows = sample_real.nonzero().flatten()
            of_noise, of_data = linear_sum_assignment(sample_gain[rows][:, rows].numpy(), maximize=True)
            sample_order[rows[of_noise]] = rows[of_data]
        return torch.gather(x_0, 1, order.to(x_0.device).unsqueeze(-1).expand_as(x_0))


@dataclass(frozen=True)
class EquivalentPointAssignment(Coupling):
    """Reorder equivalent points among each other so that the sum of squared distances to their noise is least.

    Else the mean over all orders is what a denoiser learns at high noise: there the three hydrogens of a methyl group
    coincide, and the ODE has to tear them apart late.

    Attributes:
        equivalent: see `WithEquivalentPoints.equivalent_points`; `for_condition` takes them from the condition.
    """

    equivalent: Sequence[Tensor] = ()

    def for_condition(self, condition: Condition | None, copies: int) -> EquivalentPointAssignment:
        known: object = condition
        if not isinstance(known, WithEquivalentPoints):
            return self
        return EquivalentPointAssignment(tuple(known.equivalent_points(copies)))

    def __call__(self, x_0: Tensor, eps: Tensor, mask: Tensor | None = None) -> Tensor:
        points, noise = x_0.flatten(0, 1), eps.detach().flatten(0, 1).to(x_0)
        moved = points.clone()
        for group in self.equivalent:
            orders = list(permutations(range(group.shape[1])))
            order = torch.tensor(orders, device=group.device)  # (k!, k)
            gain = noise[group] @ points[group].mT  # (G, k, k)
            places = torch.arange(group.shape[1], device=group.device)
            best = order[
                gain[:, places, order].sum(-1).argmax(1)
            ]  # (G, k): what comes to stand at each place
            moved[group] = points[torch.gather(group, 1, best)]
        return moved.view_as(x_0)


@dataclass(frozen=True)
class Sequential(Coupling):
    """Several couplings one after the other, such as a permutation and then a rotation (Song et al. 2023)."""

    couplings: tuple[Coupling, ...]

    def for_condition(self, condition: Condition | None, copies: int) -> Sequential:
        return Sequential(tuple(coupling.for_condition(condition, copies) for coupling in self.couplings))

    def __call__(self, x_0: Tensor, eps: Tensor, mask: Tensor | None = None) -> Tensor:
        for coupling in self.couplings:
            x_0 = coupling(x_0, eps, mask)
        return x_0
