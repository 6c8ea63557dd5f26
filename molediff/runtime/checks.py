"""Checks of arguments: one clear sentence for whoever gave a wrong one."""

from __future__ import annotations

import operator
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch


class DeviceError(ValueError):
    """There is no such device; the message says which there are."""


def choose_device(device: str | torch.device | None) -> torch.device:
    """The device asked for, or the best there is.

    Raises:
        DeviceError: CUDA is asked for and missing, or torch knows no such device.
    """
    available = torch.cuda.is_available()
    try:
        chosen = torch.device(device if device is not None else "cuda" if available else "cpu")
    except RuntimeError as error:
        raise DeviceError(f"device must be 'cpu', 'cuda' or None; got {device!r}.") from error
    if chosen.type not in ("cpu", "cuda"):
        raise DeviceError(f"device must be 'cpu', 'cuda' or None; got {device!r}.")
    if chosen.type == "cuda" and not available:
        raise DeviceError(f"device={device!r}, but torch sees no CUDA device here: use device='cpu'.")
    return chosen


def is_whole_number(value: Any) -> bool:
    """Whether `value` is an integer of Python or numpy; no boolean, and no array or tensor, even of one element."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_whole_number(name: str, value: Any, least: int) -> int:
    """The integer `value` as Python's own.

    Raises:
        ValueError: it is no integer, or less than `least`.
    """
    if not is_whole_number(value) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}.")
    return operator.index(value)


def check_flag(name: str, value: Any) -> bool:
    """The boolean `value`, of Python or numpy, as Python's own.

    Raises:
        ValueError: it is something else, such as the text "no", which Python takes for true.
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False; got {value!r}.")
    return bool(value)


def is_number(value: Any) -> bool:
    """Whether `value` is a real number of Python or numpy; no boolean, and no array or tensor."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_positive(value: Any) -> bool:
    """Whether `value` is a number, of Python or numpy, above 0 and not beyond what a float holds."""
    try:
        return isinstance(value, Real) and float(value) > 0
    except OverflowError:
        return False


def check_word(name: str, value: Any, allowed: tuple[str | None, ...]) -> None:
    """Raise a ValueError unless `value` is one of `allowed`."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; got {value!r}.")
