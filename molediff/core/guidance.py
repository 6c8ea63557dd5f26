r"""Guidance: samples that also satisfy a condition, by changing the denoiser. Each function returns a
denoiser for any solver."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from molediff.core.model import Denoiser
from molediff.core.paths import Path, expand_like


def classifier_free(conditional: Denoiser, unconditional: Denoiser, weight: float) -> Denoiser:
    """(1 + w) conditional - w unconditional (Ho and Salimans 2022, eq. 6; the same for x_0 as for eps).

    w = 0 is the conditional model, w = -1 the unconditional one; w > 0 sharpens the condition.
    """
    if weight == 0:
        return conditional
    if weight == -1:
        return unconditional

    def guided(x_t: Tensor, t: Tensor) -> Tensor:
        without = unconditional(x_t, t)
        return without + (1 + weight) * (conditional(x_t, t) - without)

    return guided


def drop_condition(num: int, probability: float, generator: torch.Generator | None = None) -> Tensor:
    """Choose the samples of a training batch that lose their condition, so that one network learns both denoisers.

    Returns:
        (num,) booleans on the generator's device, true with `probability` (0.1 to 0.2 is usual).
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must be in [0, 1]; got {probability}.")
    return torch.rand(num, generator=generator, device=generator.device if generator else None) < probability


def energy_guided(
    denoiser: Denoiser, path: Path, energy: Callable[[Tensor], Tensor], strength: float = 1.0
) -> Denoiser:
    r"""Tilt the samples towards low energy: p(x_0) exp(-strength energy(x_0)), approximately.

    The exact change of the score is the gradient of log E[exp(-strength energy(x_0)) | x_t]; here x_0 is
    replaced by its mean x_0_hat (Chung et al. 2023, theorem 1). That is exact for a linear energy of Gaussian
    data, and as t goes to 0. By Tweedie's formula a change c of the score changes x_0_hat by c sigma^2 / alpha.

    Args:
        denoiser: function (x_t, t) -> estimate of x_0, differentiable in x_t.
        path: path of the denoiser.
        energy: differentiable function of x_0_hat (n, ...) to (n,): a property, a restraint, a distance to a wish.
        strength: factor of the energy.
    """

    def guided(x_t: Tensor, t: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x_t.detach().requires_grad_()
            x_0_hat = denoiser(x, t)
            (gradient,) = torch.autograd.grad(energy(x_0_hat).sum(), x)
        factor = strength * torch.exp(path.log_sigma(t) - path.lambda_(t))  # sigma^2 / alpha
        return x_0_hat.detach() - expand_like(factor, x_t) * gradient

    return guided
