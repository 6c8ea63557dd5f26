"""Memory of the C library."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import torch

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # from malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep what tensors free, instead of giving it back to the kernel and zeroing fresh pages at each step.

    Training and sampling on a CPU allocate the same large tensors again and again; this makes both 5 to 15 % faster at
    no cost but that the process keeps its peak memory. All scripts call it, and the processes of `num_workers`; in a
    process of your own it is for you to decide. Does nothing elsewhere than on Linux with glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(_M_MMAP_THRESHOLD, 1 << 30)
    mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
    mallopt(_M_TOP_PAD, 1 << 26)


@cache
def keep_freed_tensors() -> None:
    """Let glibc keep up to 64 MB of what tensors free, as it does of itself once something large has been freed.

    Until then it gives memory back after each layer of a network, and the kernel zeroes it for the next.
    """
    torch.empty(
        31 * 2**20, dtype=torch.uint8
    )  # just below the largest size from which glibc learns; never touched


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory does not hold what was asked for, on the CPU or a GPU."""
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)
