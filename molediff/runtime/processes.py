"""Work in processes of its own, one item at a time: a worker that dies or hangs spoils its item and no other."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """What became of one item.

    Attributes:
        item: as given.
        value: what the function returned; None if it did not return.
        reason: why it did not: its exception, the signal that killed the process, or the time limit; else empty.
        seconds: from handing the item out to the answer.
    """

    item: Item
    value: Value | None
    reason: str
    seconds: float


def run_in_processes(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    num_processes: int,
    seconds_each: float | None = None,
) -> Iterator[Outcome[Item, Value]]:
    """Call `function` on every item, each in one of several processes with one thread, and yield outcomes as they come.

    Closing the iterator, or an exception in the loop over it, ends the processes.

    Args:
        function: of a module, since new processes must import it; it and its results must be picklable.
        items: read as they are handed out.
        num_processes: at least 1.
        seconds_each: most seconds for one item; its process is then killed and replaced. None: no limit.

    Raises:
        ValueError: no process, or a limit that is not above 0.
    """
    if num_processes < 1:
        raise ValueError(f"num_processes must be at least 1; got {num_processes}")
    if seconds_each is not None and not seconds_each > 0:
        raise ValueError(f"the seconds for each item must be above 0, or None; got {seconds_each}")
    waiting = iter(items)
    busy: list[_Worker] = []
    idle: list[_Worker] = []
    try:
        while True:
            for item in waiting:
                worker = idle.pop() if idle else _Worker(function)
                worker.hand_out(item)
                busy.append(worker)
                if len(busy) >= num_processes:
                    break
            if not busy:
                return
            for worker in _ready(busy, seconds_each):
                busy.remove(worker)
                outcome = worker.outcome(seconds_each)
                if worker.alive:
                    idle.append(worker)
                yield outcome
    finally:
        for worker in [*busy, *idle]:
            worker.end()


class _Worker:
    """A process that answers items one by one."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_serve, args=(function, theirs), daemon=True)
        with _one_thread():
            self._process.start()
        theirs.close()
        self.alive = True

    def hand_out(self, item: Any) -> None:
        self._item, self._start = item, time.perf_counter()
        with suppress(BrokenPipeError, ConnectionResetError):  # it died: `outcome` will see
            self.connection.send(item)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    def outcome(self, limit: float | None) -> Outcome[Any, Any]:
        """The answer; without one the process is ended."""
        value, reason = None, ""
        if self.connection.poll():
            try:
                value, reason = self.connection.recv()
            except (EOFError, OSError):  # of a process that died before it read the item, the latter
                self._process.join()
                reason = f"its process died with code {self._process.exitcode}"
                self.end()
        else:
            reason = f"not ready after {limit:g} s"
            self.end()
        return Outcome(self._item, value, reason, self.seconds)

    def end(self) -> None:
        self.alive = False
        self._process.kill()
        self._process.join()
        self.connection.close()


def _ready(busy: list[_Worker], limit: float | None) -> list[_Worker]:
    """Workers that have answered, died, or used up their time; waits for the first."""
    left = None if limit is None else max(0.0, min(limit - worker.seconds for worker in busy))
    answered = wait([worker.connection for worker in busy], timeout=left)
    return [
        worker
        for worker in busy
        if worker.connection in answered or (limit is not None and worker.seconds >= limit)
    ]


def _serve(function: Callable[[Any], Any], connection: Connection) -> None:
    while True:
        try:
            item = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer = function(item), ""
        except KeyboardInterrupt:
            return
        except Exception as error:  # whatever it is belongs to this item alone
            answer = None, " ".join(str(error).split()) or type(error).__name__
        try:
            connection.send(answer)
        except OSError:  # nobody listens any more
            return


@contextmanager
def _one_thread() -> Iterator[None]:
    """New processes started inside compute with one thread: their libraries read it when they are loaded."""
    former = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if former is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = former
