"""How many threads torch computes with."""

from __future__ import annotations

_MOST = 1024


def use_threads(threads: int | None) -> None:
    """Let torch compute with this many threads; None leaves its choice.

    Raises:
        ValueError: fewer than one, or so many that the process would die of them.
    """
    if threads is None:
        return
    if not 1 <= threads <= _MOST:
        raise ValueError(f"threads must be 1 to {_MOST}, or null for torch's choice; got {threads}")
    import torch

    torch.set_num_threads(threads)
