"""Ctrl-C, and the request to end, between two pieces of work and never within one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
"""Ctrl-C, and what `kill`, `timeout` and the queue of a cluster send."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end: whoever tidies up after Ctrl-C does so now."""


def end_when_asked() -> None:
    """From now on a request to end is raised as `Terminated`, once: what tidies up is not disturbed by a second one."""

    def strike(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    signal.signal(signal.SIGTERM, strike)


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Within the block both wait; at its end they are raised as ever. Outside the main thread nothing changes, nor
    where something other than Python waits for them.
    """
    with ExitStack() as held:
        for number in SIGNALS:
            held.enter_context(_held_back(number))
        yield


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Within the block both wait in this thread, and processes started there do not see them until they say so."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


@contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    former = signal.getsignal(number)
    if threading.current_thread() is not threading.main_thread() or not callable(former):
        yield
        return
    struck: list[tuple[Any, ...]] = []
    signal.signal(number, lambda *of: struck.append(of))
    try:
        yield
    finally:
        signal.signal(number, former)
    if struck:
        former(*struck[0])
