"""How many threads torch computes with."""

from __future__ import annotations


def use_threads(threads: int | None) -> None:
    """Let torch compute with this many threads; None leaves its choice.

    Raises:
        ValueError: fewer than one.
    """
    if threads is None:
        return
    if threads < 1:
        raise ValueError(f"threads must be at least 1, or null for torch's choice; got {threads}")
    import torch

    torch.set_num_threads(threads)
