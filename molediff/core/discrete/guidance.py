"""Guidance of categorical denoisers."""

from __future__ import annotations

from torch import Tensor

from molediff.core.discrete.model import CategoricalDenoiser


def classifier_free(
    conditional: CategoricalDenoiser, unconditional: CategoricalDenoiser, weight: float
) -> CategoricalDenoiser:
    """Logits (1 + w) conditional - w unconditional: p(x_0 | c)^(1 + w) / p(x_0)^w, entry by entry.

    w = 0 is the conditional model, w = -1 the unconditional one; w > 0 sharpens the condition. In a masked process
    whose entries are revealed one at a time, that is guidance of the rates (Nisonoff et al. 2024, eq. 3).
    """
    if weight == 0:
        return conditional
    if weight == -1:
        return unconditional

    def guided(x_t: Tensor, t: Tensor) -> Tensor:
        with_, without = (denoise(x_t, t).log_softmax(-1) for denoise in (conditional, unconditional))
        # A category that the condition rules out stays ruled out, also where inf - inf would have no value.
        return ((1 + weight) * with_ - weight * without).masked_fill(with_.isneginf(), float("-inf"))

    return guided
