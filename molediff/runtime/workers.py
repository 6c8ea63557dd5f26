"""Worker processes: one that dies or hangs spoils its item and no other.

Every worker computes with one thread, has a pipe of its own, so that its death tells which item it had, and ends by
itself when the process that started it is gone.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, TypeVar

from molediff.runtime.interrupts import SIGNALS, interrupts_blocked

Item = TypeVar("Item")
Value = TypeVar("Value")

# Workers killed in a row before they began, with one item, until there is no hope: memory is short, say.
_MAX_STARTS = 3

# Seconds that a process whose pipe has closed may take to end by itself, which leaves its true exit code.
_PATIENCE = 10.0

_LISTENING, _READY = "listening", "ready"

_WITHOUT_GUARD = 86
"""Exit code of a worker that would start workers while it imports the script."""


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """What became of one item.

    Attributes:
        item: as given.
        value: what the function returned; None if it did not return.
        reason: why it did not: its exception, the signal that killed the process, or the time limit; else empty.
        seconds: from handing the item to a worker that had begun to its answer.
        traceback: of the function's exception, unless it was out of memory; else empty.
    """

    item: Item
    value: Value | None
    reason: str
    seconds: float
    traceback: str = ""


@contextmanager
def pool_of(
    function: Callable[[Any], Any], num_processes: int, seconds_each: float | None = None
) -> Iterator[Pool]:
    """Workers that call `function`; leaving the context ends them, whatever they are at.

    Raises:
        ValueError: no process, or a limit that is not above 0.
    """
    if num_processes < 1:
        raise ValueError(f"num_processes must be at least 1; got {num_processes}")
    if seconds_each is not None and not seconds_each > 0:
        raise ValueError(f"the seconds for each item must be above 0, or None; got {seconds_each}")
    pool = Pool(function, num_processes, seconds_each)
    try:
        yield pool
    finally:
        for worker in [*pool.busy, *pool.idle]:
            worker.end()


class Pool:
    """Workers that are started when they are first needed."""

    def __init__(self, function: Callable[[Any], Any], num_processes: int, limit: float | None) -> None:
        self.function, self.num_processes, self.limit = function, num_processes, limit
        self.busy: list[_Worker] = []
        self.idle: list[_Worker] = []

    @property
    def num_busy(self) -> int:
        return len(self.busy)

    @property
    def num_free(self) -> int:
        return self.num_processes - len(self.busy)

    def hand_out(self, item: Any, starts: int = 1) -> None:
        """Give `item` to a worker; `starts` workers have been started for it then, this one included."""
        while self.idle and not self.idle[-1].process.is_alive():
            self.idle.pop().end()
        worker = self.idle.pop() if self.idle else _Worker(self.function)
        self.busy.append(worker)
        worker.take(item, starts)

    def collect(self) -> list[Outcome[Any, Any]]:
        """What became of the items that are done, at least one; waits for the first."""
        outcomes: list[Outcome[Any, Any]] = []
        while not outcomes:
            left = math.inf if self.limit is None else self.limit - max(w.seconds for w in self.busy)
            answered = wait([w.pipe for w in self.busy], None if left == math.inf else max(0.0, left))
            for worker in list(self.busy):
                outcome = self._hear(worker, worker.pipe in answered)
                if outcome is not None:
                    outcomes.append(outcome)
                    self.busy.remove(worker)
                    self.idle += [worker] if worker.alive else []
        return outcomes

    def _hear(self, worker: _Worker, answered: bool) -> Outcome[Any, Any] | None:
        """The outcome that a worker brings; None if it works on, only begins, or was killed before it did."""
        if not answered:
            if self.limit is None or worker.seconds < self.limit:
                return None
            worker.end()
            return worker.outcome(None, f"not ready after {self.limit:g} s")
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):  # the latter of a process that died before it read its item
            code = worker.end(_PATIENCE)
            if worker.ready:
                return worker.outcome(None, f"its process died with code {code}")
            _check_start(code, worker.starts)
            self.busy.remove(worker)
            self.hand_out(worker.item, worker.starts + 1)
            return None
        if message == _LISTENING:
            worker.tell()
            return None
        if message == _READY:
            worker.begin()
            return None
        return worker.outcome(*message)


def _end_if_importing() -> None:
    """End a worker that runs the script which started it, on the way to import it, before it starts workers itself.

    Python would raise there, and each worker would print that traceback before `_check_start` says what to do.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(_WITHOUT_GUARD)


def _check_start(code: int | None, starts: int) -> None:
    """Raise if another start is no use: the code ended by itself, or too many workers were killed."""
    if code == _WITHOUT_GUARD:
        raise RuntimeError(
            "With several processes, what starts them must stand below `if __name__ == '__main__':` in a script, since "
            "each of them imports the script."
        ) from None
    if code is None or code >= 0:
        raise RuntimeError(
            f"A worker process ended with code {code} before it began; it may have said why above. In a script, what "
            "starts processes must stand below `if __name__ == '__main__':`, since each of them imports the script."
        ) from None
    if starts >= _MAX_STARTS:
        raise RuntimeError(
            f"{starts} worker processes in a row were killed by signal {-code} before they began: memory may be short; "
            "try fewer processes."
        ) from None


class _Worker:
    """One process and this end of its pipe."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        _end_if_importing()
        context = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads half
        try:
            # Sent once it listens: a start that holds more than a pipe does would wait for ever for one that has died.
            self._function = ForkingPickler.dumps(function)
        except Exception as error:  # what cannot be pickled raises errors of many types
            raise RuntimeError(
                f"A worker process cannot be sent what it needs ({error}): with several processes, a network, a solver "
                "or a grid of your own must be importable, not defined in a function."
            ) from error
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        try:
            with _one_thread(), interrupts_blocked():
                self.process.start()
        finally:
            theirs.close()
        self.alive, self.ready, self.starts = True, False, 1
        self.item: Any = None
        self._start: float | None = None

    @property
    def seconds(self) -> float:
        """Since it was sent its item; 0 before."""
        return 0.0 if self._start is None else time.perf_counter() - self._start

    def take(self, item: Any, starts: int) -> None:
        self.item, self.starts, self._start = item, starts, None
        if self.ready:
            self._send()

    def tell(self) -> None:
        """Send what it is to do with items."""
        with suppress(BrokenPipeError, ConnectionResetError):  # it died: reading from it will tell
            self.pipe.send_bytes(self._function)

    def begin(self) -> None:
        self.ready = True
        self._send()

    def _send(self) -> None:
        self._start = time.perf_counter()
        with suppress(BrokenPipeError, ConnectionResetError):  # it died: reading from it will tell
            self.pipe.send(self.item)

    def outcome(self, value: Any, reason: str, trace: str = "") -> Outcome[Any, Any]:
        return Outcome(self.item, value, reason, self.seconds, trace)

    def end(self, patience: float = 0.0) -> int | None:
        """End the process, after `patience` seconds if it does not by itself, and return its exit code."""
        self.alive = False
        if patience:
            self.process.join(patience)
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return self.process.exitcode


def _serve(pipe: Connection) -> None:
    """What a worker does: take its function, and then, until the other end of its pipe closes, items of which it sends
    back what came of each."""
    # Ctrl-C reaches all processes, and so may a request to end; the first one sees to the others.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(_LISTENING)
        function: Callable[[Any], Any] = pipe.recv()
        pipe.send(_READY)
        while True:
            item = pipe.recv()
            try:
                answer = function(item), "", ""
            except MemoryError:
                answer = None, "out of memory", ""
            except Exception as error:  # whatever it is belongs to this item alone
                answer = _explained(error)
            try:
                pipe.send(answer)
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as error:  # what cannot be pickled raises errors of many types
                pipe.send(_explained(error))


def _explained(error: Exception) -> tuple[None, str, str]:
    return None, " ".join(str(error).split()) or type(error).__name__, traceback.format_exc()


def _end_with_parent() -> None:
    """End this process, whatever it is at, when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """New processes started inside compute with one thread: their libraries read it when they are loaded."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    former = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
