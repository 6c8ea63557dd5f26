"""Which number format a machine trains in fastest without harm."""

from __future__ import annotations

import torch


def choose_precision(precision: str = "auto", accelerator: str = "cpu") -> str:
    """Lightning's precision for `accelerator`: `precision` itself unless it is "auto".

    "auto" is bfloat16 autocast where the hardware multiplies in it (AMX or AVX-512-BF16 on a CPU, Ampere or later on a
    GPU), else float32. Autocast keeps weights, optimizer and the loss in float32.
    """
    if precision != "auto":
        return precision
    if accelerator in ("cuda", "gpu"):
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    has_bf16 = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if has_bf16 else "32-true"


def choose_accelerator(device: str = "auto") -> str:
    """Lightning's accelerator for "auto", "cpu" or "cuda".

    Raises:
        ValueError: for another word, or "cuda" on a machine without it.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device=cuda, but torch sees no CUDA device here: use device=cpu or device=auto")
    return "cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu"
