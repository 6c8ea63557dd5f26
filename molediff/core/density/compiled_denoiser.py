"""A denoiser and its products with its Jacobian, compiled by torch for one shape: for thousands of densities."""

from __future__ import annotations

import math
import os
import shutil

import torch
from torch import Tensor

from molediff.core.geometry.space import NoiseSpace
from molediff.core.model import Denoiser

_ROWS = 256
"""Products with the Jacobian of single samples that run side by side: their tensors stay near the processor."""


class CompiledDenoiser:
    """A `Denoiser` that runs compiled, and gives the trace of its Jacobian compiled too. The numbers are the same.

    Each of the two is compiled at its first use, which takes minutes of one core; torch keeps what it compiled on disk.
    Every call is cut into blocks of one shape, the last one filled up, so that there is one compilation of each.

    Args:
        denoiser: function (x_t, t) -> estimate of x_0 that knows no mask; it must not be changed afterwards.
        space: space of the samples.
        num_rows: samples a block of plain calls.
        backend: of `torch.compile`; "inductor" makes C++ code on a processor.

    Raises:
        ValueError: there is no C++ compiler.
    """

    def __init__(
        self, denoiser: Denoiser, space: NoiseSpace, num_rows: int = 64, backend: str = "inductor"
    ) -> None:
        compilers = (os.environ.get("CXX", "g++"), "clang++")
        if backend == "inductor" and not any(map(shutil.which, compilers)):
            raise ValueError(
                f"A compiled network needs a C++ compiler, and there is none of {' and '.join(compilers)}: install "
                "one, or do without compilation."
            )
        self.num_rows = num_rows

        def with_trace(x: Tensor, t: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
            found = torch.func.vjp(lambda y: space.project(denoiser(y, t), None), x)
            x_0_hat, product = found[0], found[1]
            products = torch.func.vmap(lambda z: product(z)[0])(directions)
            return x_0_hat, (products * directions).flatten(2).sum((0, 2))

        # Not the denoiser itself: a function of its own, so that what others compile of it does not count here.
        def plain(x: Tensor, t: Tensor) -> Tensor:
            return denoiser(x, t)

        self._plain = torch.compile(plain, dynamic=False, backend=backend)
        self._with_trace = torch.compile(with_trace, dynamic=False, backend=backend)

    @torch.no_grad()
    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """The estimate of x_0 (n, ...) for `x` (n, ...) and `t` (n,), without a graph."""
        blocks = zip(_blocks(x, self.num_rows), _blocks(t, self.num_rows), strict=True)
        return torch.cat([self._plain(*block) for block in blocks])[: len(x)]

    @torch.no_grad()
    def with_trace(self, x: Tensor, t: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        """What `core.divergence.denoised_with_trace` gives, without a mask."""
        # a power of two, so that batches of a power of two need no filling up
        num = 2 ** max(0, round(math.log2(_ROWS / len(directions))))
        parts = (_blocks(x, num), _blocks(t, num), _blocks(directions.transpose(0, 1), num))
        found = [
            self._with_trace(x, t, z.transpose(0, 1).contiguous()) for x, t, z in zip(*parts, strict=True)
        ]
        estimates, traces = zip(*found, strict=True)
        return torch.cat(estimates)[: len(x)], torch.cat(traces)[: len(x)]


def _blocks(rows: Tensor, num: int) -> list[Tensor]:
    """`rows` (n, ...) in blocks (num, ...), the last one filled up with copies of the last row."""
    missing = -len(rows) % num
    filled = torch.cat([rows, rows[-1:].expand(missing, *rows.shape[1:])]) if missing else rows
    return [block.contiguous() for block in filled.split(num)]
