r"""Less noise in the regression target, where the score of the data is known.

Let the data have the score grad log p(x_0), as particles at equilibrium have: their force. Where x_0 and eps are
independent, the density of x_0 given x_t = alpha x_0 + sigma eps has the gradient score(x_0) + (alpha / sigma) eps in
its logarithm, and such a gradient has mean zero. So

    zeta = eps + (sigma / alpha) score(x_0)      has      E[zeta | x_t] = 0,

which is the target score identity (De Bortoli et al. 2024, section 3), and eps - c zeta has the same mean given x_t as
eps for every c(t). The variance is least at

    c = E[eps . zeta] / E|zeta|^2 = alpha^2 s^2 / (alpha^2 s^2 + sigma^2),      s^2 = D / E|score|^2,

in D dimensions, since E[eps . zeta] = D and E|zeta|^2 = D + (sigma / alpha)^2 E|score|^2. What is left is of size
E|eps - c zeta|^2 = D sigma^2 / (alpha^2 s^2 + sigma^2). For a normal distribution of standard deviation s it has no
noise at all, at any t.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from molediff.core.paths import Path, expand_like


@dataclass(frozen=True)
class TargetScore:
    """Exchanges (x_0, eps) for another pair with the same x_t, the same means given x_t, and less noise.

    An objective that regresses a_t x_0 + b_t eps of the new pair has the same optimum and the same expected gradient.
    Valid for the independent coupling alone.

    Attributes:
        score: of the data, in the data's unit: function of samples (n, ...) that returns the same shape.
        scale: the data's unit in that of the model: x_0 times `scale` is what `score` takes.
        local_std: s = (D / E|score|^2)^(1/2) in the unit of the model: how far a point moves about its place.

    Raises:
        ValueError: `scale` or `local_std` is not positive.
    """

    score: Callable[[Tensor], Tensor]
    scale: float
    local_std: float

    def __post_init__(self) -> None:
        if not (self.local_std > 0 and self.scale > 0):
            raise ValueError(
                f"local_std and scale are lengths and must be positive; got {self.local_std} and {self.scale}."
            )

    def share(self, path: Path, t: Tensor) -> Tensor:
        """c at times `t` (n,), shape (n,): near 1 at small noise, near 0 at large."""
        return (2 * (path.lambda_(t) + math.log(self.local_std))).sigmoid()

    def __call__(self, x_0: Tensor, eps: Tensor, path: Path, t: Tensor) -> tuple[Tensor, Tensor]:
        """The new pair x_0 + c (sigma / alpha) zeta and eps - c zeta.

        Args:
            x_0: clean samples in the model's unit, shape (n, ...).
            eps: unit noise, independent of x_0, shape (n, ...).
            path: path of x_t.
            t: times, shape (n,).
        """
        ratio = expand_like((-path.lambda_(t)).exp(), eps)  # sigma / alpha
        zeta = eps + ratio * self.scale * self.score(x_0 * self.scale)
        shift = expand_like(self.share(path, t), eps) * zeta
        return x_0 + ratio * shift, eps - shift
