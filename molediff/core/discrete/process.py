r"""Forward processes on categories: a state is kept or replaced, on the same paths as continuous states.

With a variance-preserving path, alpha_t^2 is the probability that a state has been kept until t and sigma_t^2 = 1 -
alpha_t^2 that it has been replaced by a draw from `limit`, so that lambda = log(alpha / sigma) is half the log-odds:

    q(x_t | x_0)      = alpha_t^2 [x_t = x_0] + sigma_t^2 limit(x_t)
    q(x_t | x_s)      = r [x_t = x_s] + (1 - r) limit(x_t),  r = alpha_t^2 / alpha_s^2,  s < t
    q(x_s | x_t, x_0) = q(x_t | x_s) q(x_s | x_0) / q(x_t | x_0)

(Austin et al. 2021, section 3, in continuous time: Campbell et al. 2022.) States are int64 tensors (n, ...), each entry
a category; probabilities have a last axis of `num_states` categories.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from molediff.core.generators import Generators, of_torch
from molediff.core.paths import VariancePreserving, expand_like


class CategoricalProcess:
    """Each entry of a state by itself is replaced, sooner or later, by a draw from one distribution.

    Args:
        path: alpha_t^2 is the probability of having been kept.
        limit: distribution at the noisy end, shape (num_states,), or of each entry of a state, shape (..., num_states).

    Raises:
        ValueError: `path` is not variance-preserving, or `limit` is no distribution.

    Example:
        >>> import torch
        >>> from molediff.core import CosineVP
        >>> process = CategoricalProcess(CosineVP(), torch.tensor([0.5, 0.25, 0.25]))
        >>> process.marginal(torch.tensor([[2]]), torch.tensor([0.5])).round(decimals=3)
        tensor([[[0.2500, 0.1250, 0.6250]]])
    """

    def __init__(self, path: VariancePreserving, limit: Tensor) -> None:
        if not isinstance(path, VariancePreserving):
            raise ValueError(
                f"Categories need a variance-preserving path, whose alpha^2 is a probability; got {path}."
            )
        if bool((limit < 0).any()) or not torch.allclose(limit.sum(-1), limit.new_ones(()), atol=1e-5):
            raise ValueError("limit must be probabilities that sum to 1 over the last axis.")
        self.path = path
        self.limit = limit

    @property
    def num_states(self) -> int:
        """Number of categories, that of noise included."""
        return self.limit.shape[-1]

    def kept(self, t: Tensor) -> Tensor:
        """Probability alpha_t^2 that a state is still that of time 0; any shape."""
        return (2 * self.path.log_alpha(t)).exp()

    def marginal(self, x_0: Tensor, t: Tensor) -> Tensor:
        """q(x_t | x_0) of states (n, ...) at times (n,), shape (n, ..., num_states)."""
        kept = expand_like(self.kept(t), x_0).unsqueeze(-1)
        return kept * one_hot(x_0, self.num_states).to(kept) + (1 - kept) * self.limit.to(kept)

    def transition(self, s: Tensor, t: Tensor) -> Tensor:
        """q(x_t | x_s) as matrices (..., num_states, num_states), rows x_s, for times s < t of one shape."""
        ratio = (self.kept(t) / self.kept(s))[..., None, None]
        eye = torch.eye(self.num_states).to(ratio)
        return ratio * eye + (1 - ratio) * self.limit.to(ratio)[..., None, :]

    def noised(
        self, x_0: Tensor, t: Tensor, generators: Generators | torch.Generator | None = None
    ) -> Tensor:
        """x_t for states (n, ...) at times (n,).

        Args:
            x_0: states.
            t: times.
            generators: one a sample, or one for all; None: torch's global generator.
        """
        return draw(self.marginal(x_0, t), generators)

    def noise(self, shape: Sequence[int], generators: Generators) -> Tensor:
        """The state at t = 1, shape (n, ...), from `limit`; sample i depends on the i-th of them alone."""
        return draw(self.limit.expand(*shape, self.num_states), generators)

    def posterior(self, x_t: Tensor, x_0: Tensor, s: Tensor, t: Tensor) -> Tensor:
        """q(x_s | x_t, x_0) averaged over a distribution of x_0, for s < t.

        Args:
            x_t: states, shape (n, ...).
            x_0: probabilities of each entry of x_0, shape (n, ..., num_states); one-hot where x_0 is known.
            s: times to go to, shape (n,).
            t: times of x_t, shape (n,).

        Returns:
            Probabilities of x_s, shape (n, ..., num_states).
        """
        kept_s, kept_t = (expand_like(self.kept(u).to(x_0), x_t).unsqueeze(-1) for u in (s, t))
        limit = self.limit.to(x_0)
        here = one_hot(x_t, self.num_states).to(x_0)
        limit_here = (limit * here).sum(-1, keepdim=True)
        # q(x_t | x_0) for each x_0; where it is 0, so is the probability of that x_0 given x_t, whatever was estimated.
        evidence = kept_t * here + (1 - kept_t) * limit_here
        shares = torch.where(evidence > 0, x_0 / evidence.clamp_min(torch.finfo(x_0.dtype).tiny), 0.0)
        ratio = kept_t / kept_s
        to_here = ratio * here + (1 - ratio) * limit_here
        found = to_here * (kept_s * shares + (1 - kept_s) * limit * shares.sum(-1, keepdim=True))
        total = found.sum(-1, keepdim=True)
        return torch.where(total > 0, found / total.clamp_min(torch.finfo(x_0.dtype).tiny), here)


class Uniform(CategoricalProcess):
    """Replaced states are uniform over `num_states` categories (Hoogeboom et al. 2021)."""

    def __init__(self, path: VariancePreserving, num_states: int) -> None:
        super().__init__(path, torch.full((num_states,), 1 / num_states))


class Marginal(CategoricalProcess):
    """Replaced states have the frequencies of the data, so that noise is as near to data as independence allows.

    (Vignac et al. 2023, section 4.1.)
    """


class Absorbing(CategoricalProcess):
    """Replaced states are one further category, the mask, which the data do not have (Austin et al. 2021, D3PM).

    Args:
        path: alpha_t^2 is the share that is not masked.
        num_categories: categories of the data; the mask is the category of that number.
    """

    def __init__(self, path: VariancePreserving, num_categories: int) -> None:
        limit = torch.zeros(num_categories + 1)
        limit[-1] = 1
        super().__init__(path, limit)

    @property
    def mask_state(self) -> int:
        """The category of the mask."""
        return self.num_states - 1


def draw(probabilities: Tensor, generators: Generators | torch.Generator | None = None) -> Tensor:
    """Draw categories (n, ...) from probabilities (n, ..., num_states), each entry by one uniform number.

    Args:
        probabilities: need not be normalized exactly.
        generators: one a sample, of which sample i takes as many numbers as it has entries; or one for all.
    """
    u = uniform_numbers(probabilities.shape[:-1], generators, probabilities.device)
    return invert(probabilities, u)


def invert(probabilities: Tensor, u: Tensor) -> Tensor:
    """The category in which a number u in [0, 1) falls where they are laid end to end, shape (n, ...)."""
    ends = probabilities.double().cumsum(-1)
    below = (ends <= (u.double() * ends[..., -1]).unsqueeze(-1)).sum(-1)
    # A category of probability 0 at the end must not be drawn when rounding leaves u at the total.
    last = probabilities.shape[-1] - 1 - (probabilities > 0).flip(-1).int().argmax(-1)
    return torch.minimum(below, last)


def uniform_numbers(
    shape: Sequence[int],
    generators: Generators | Sequence[torch.Generator] | torch.Generator | None,
    device: torch.device | str | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Uniform numbers in [0, 1), float64, of `shape`; sample i from the i-th generator if there is one a sample.

    With a `mask` (n, T) the others take none and are 0, if there is a generator a sample.
    """
    if generators is None or isinstance(generators, torch.Generator):
        source = None if generators is None else generators.device
        return torch.rand(tuple(shape), generator=generators, device=source, dtype=torch.float64).to(device)
    if not isinstance(generators, Generators):
        generators = of_torch(generators)
    return generators.uniform(shape, mask, device)
