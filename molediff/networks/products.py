"""Linear layers that use all of a processor where nothing is differentiated."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

# A kernel for products of a new shape takes oneDNN 0.6 ms to write, and a molecule's shape comes at least nine times,
# in three blocks and three evaluations: from so many operations on what is saved is more than that.
_WORTH_A_KERNEL = 15_000_000


class Linear(nn.Linear):
    """`torch.nn.Linear`, whose larger products in inference mode oneDNN computes on processors where that is faster.

    MKL, which torch takes for float32, has kernels of 512 bits for Intel's processors alone: on a Zen 5 it does 95
    GFLOP/s a core, oneDNN 200 and more. Results differ in the order of sums.
    """

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`torch.nn.functional.linear` with the products of `Linear`: (..., k), (m, k), (m,) -> (..., m)."""
    # What is compiled is left to the compiler, which could not see through the choice.
    if not torch.compiler.is_compiling() and torch.is_inference_mode_enabled() and _pays(x, weight):
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return product
    return nn.functional.linear(x, weight, bias)


def _pays(x: Tensor, weight: Tensor) -> bool:
    return (
        2 * x.numel() * len(weight) >= _WORTH_A_KERNEL
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and one_dnn_is_faster()
    )


@cache
def one_dnn_is_faster() -> bool:
    """Whether this processor has vectors of 512 bits that MKL leaves unused, and this torch a oneDNN that is right."""
    cpu_info = Path("/proc/cpuinfo")
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or not cpu_info.exists():
        return False
    return "AuthenticAMD" in cpu_info.read_text() and _is_right()


def _is_right() -> bool:
    """Whether torch's entry to oneDNN, which is not public, still does what it did."""
    x, weight, bias = torch.ones(2, 3), torch.arange(12.0).view(4, 3), torch.ones(4)
    try:
        product = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(product, nn.functional.linear(x, weight, bias))
