"""Ctrl-C between two pieces of work, and never within one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Within the block Ctrl-C waits; at its end it is raised as ever. Outside the main thread nothing changes, nor
    where something other than Python waits for it.
    """
    former = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or former is None:
        yield
        return
    struck: list[tuple[Any, ...]] = []
    signal.signal(signal.SIGINT, lambda *of: struck.append(of))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
    if struck and callable(former):
        former(*struck[0])
