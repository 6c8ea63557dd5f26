"""The discrete DDPM chain, as a path: steps of noise beta_1 ... beta_T, joined by an exact continuous process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import softplus

from molediff.core.paths.base import Path, VariancePreserving, expand_like


@dataclass(frozen=True)
class DiscreteChain(VariancePreserving):
    """x_k = sqrt(1 - beta_k) x_{k-1} + sqrt(beta_k) z, k = 1 ... T (Ho et al. 2020, eq. 2).

    Step k sits at t = k / T. Between the steps runs the VP path whose beta(t) is constant within each,
    -T log(1 - beta_k), and which passes through the chain exactly. So every target, loss and solver serves the
    chain: `Ancestral` on `times()` is DDPM's sampler.

    Args:
        betas: noise variance added in each step, T values in (0, 1).
    """

    betas: tuple[float, ...]

    def __post_init__(self) -> None:
        wrong = [beta for beta in self.betas if not 0 < beta < 1]
        if wrong or not self.betas:
            raise ValueError(
                f"A chain needs at least one beta, each in (0, 1), so that lambda falls; got {wrong or 'none'}."
            )

    @classmethod
    def linear(cls, num_steps: int = 1000, beta_min: float = 0.1, beta_max: float = 20.0) -> DiscreteChain:
        """DDPM's linear chain, betas from beta_min / T to beta_max / T; it tends to LinearVP as T grows."""
        if num_steps < 1:
            raise ValueError(f"A chain needs at least one step; got num_steps={num_steps}.")
        return cls(
            tuple((torch.linspace(beta_min, beta_max, num_steps, dtype=torch.float64) / num_steps).tolist())
        )

    @classmethod
    def from_path(cls, path: Path, num_steps: int) -> DiscreteChain:
        """The chain that visits a VP `path` at t = k / T, k = 0 ... T, with the ends cut to the path's interval."""
        t = torch.linspace(0, 1, num_steps + 1, dtype=torch.float64).clamp(max=path.t_max)
        log_alpha = path.log_alpha(t[1:])
        steps = torch.cat([log_alpha[:1], log_alpha.diff()])
        return cls(tuple((-torch.expm1(2 * steps)).tolist()))

    @property
    def num_steps(self) -> int:
        """T."""
        return len(self.betas)

    @property
    def t_min(self) -> float:
        """Time of step 1; below, a solver makes the last step to t = 0."""
        return 1 / self.num_steps

    @property
    def t_max(self) -> float:
        """Time of step T."""
        return 1.0

    @cached_property
    def _table(self) -> Tensor:
        """-2 log(alpha) after each step, with 0 in front; float64 (T + 1,)."""
        steps = -torch.log1p(-torch.tensor(self.betas, dtype=torch.float64))
        return torch.cat([steps.new_zeros(1), steps.cumsum(0)])

    def _cell(self, t: Tensor) -> Tensor:
        return (t.detach().double() * self.num_steps).long().clamp(0, self.num_steps - 1)

    def log_alpha(self, t: Tensor) -> Tensor:
        table, cell = self._table.to(t.device), self._cell(t)
        within = t.double() * self.num_steps - cell
        return -0.5 * (table[cell] + within * (table[cell + 1] - table[cell])).to(t.dtype)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        slopes = self._table.diff().to(t.device) * self.num_steps
        return -0.5 * slopes[self._cell(t)].to(t.dtype)

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        wanted = softplus(-2 * lambda_.double())
        table = self._table.to(lambda_.device)
        cell = (torch.searchsorted(table, wanted.contiguous()) - 1).clamp(0, self.num_steps - 1)
        within = (wanted - table[cell]) / (table[cell + 1] - table[cell])
        return ((cell + within) / self.num_steps).clamp(0, 1).to(lambda_.dtype)

    def times(self) -> Tensor:
        """All the chain's times, from 1 to 0: the grid of DDPM's sampler, T + 1 values."""
        return torch.arange(self.num_steps, -1, -1, dtype=torch.float64) / self.num_steps

    def posterior(self, x_k: Tensor, x_0: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """The exact normal q(x_{k-1} | x_k, x_0) (Ho et al. 2020, eq. 6 and 7).

        Args:
            x_k: samples at step k, shape (n, ...).
            x_0: clean samples, shape (n, ...).
            step: k of each sample, 1 ... T, shape (n,).

        Returns:
            Its mean (n, ...), a weighted mean of `x_k` and `x_0`, and its variance (n,).
        """
        table = self._table.to(x_k.device)
        beta = -torch.expm1(table[step - 1] - table[step])
        kept, kept_before = -torch.expm1(-table[step]), -torch.expm1(-table[step - 1])  # 1 - alpha bar
        of_x_0 = torch.exp(-0.5 * table[step - 1]) * beta / kept
        of_x_k = torch.sqrt(1 - beta) * kept_before / kept
        mean = expand_like(of_x_k.to(x_k), x_k) * x_k + expand_like(of_x_0.to(x_0), x_0) * x_0
        return mean, (beta * kept_before / kept).to(x_k)
