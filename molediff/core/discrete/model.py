"""A network that estimates categories, together with the process that hides them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from molediff.core.discrete.process import Absorbing
from molediff.core.model import Condition
from molediff.core.paths import VariancePreserving

CategoricalDenoiser = Callable[[Tensor, Tensor], Tensor]
"""Takes x_t (n, T) int64 and t (n,), returns logits of x_0, (n, T, K)."""


class CategoricalModel(nn.Module):
    """A network on a masked process: states are T entries of at most K categories, category K is the mask.

    Args:
        network: takes x_t (n, T), lambda (n,) and a condition, returns logits of x_0 (n, T, K), minus infinity for
            categories that an entry cannot have. In this process an estimate need not know the time: which entries are
            masked tells all (Ou et al. 2024, theorem 1).
        path: alpha_t^2 is the share of entries that are not masked.
        num_categories: K.
    """

    def __init__(self, network: nn.Module, path: VariancePreserving, num_categories: int) -> None:
        super().__init__()
        self.network = network
        self.process: Absorbing = Absorbing(path, num_categories)

    @property
    def path(self) -> VariancePreserving:
        """The path of the process."""
        return self.process.path

    def logits(self, x_t: Tensor, t: Tensor, condition: Condition | None = None) -> Tensor:
        """Logits of x_0, float32, shape (n, T, K)."""
        found: Tensor = self.network(x_t, self.path.lambda_(t), condition)
        return found.float()

    forward = logits

    def denoiser(self, condition: Condition | None = None) -> CategoricalDenoiser:
        """The function (x_t, t) -> logits of x_0 for one `condition`."""
        return lambda x_t, t: self.logits(x_t, t, condition)
