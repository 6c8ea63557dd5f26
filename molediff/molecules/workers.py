"""Several processes that work on groups of molecules; results come in the order of the inputs.

Each process has its own pipe, so that the death of one tells which group it had, and harms no other. A process ends by
itself when the one that started it is gone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Work = Callable[[list[Any]], Iterable[T]]
"""From a group of inputs to as many results. It must be picklable: it is sent to every process once."""

# Groups that are handed out or finished ahead of the result that is asked for, for each process: none waits for a slow
# group before it, and memory stays bounded.
_GROUPS_AHEAD = 2

READY = "ready"


def work_on_groups(
    groups: Iterable[list[Any]], work: Work[T], num_workers: int, lost: Callable[[Any], T]
) -> Iterator[T]:
    """Results of all inputs, in order, computed by `num_workers` processes.

    A group whose process dies (killed, or out of memory) is tried again one input at a time in a new process; an input
    on which that one dies too gets `lost(input)` as its result.

    Args:
        groups: read as the processes become free.
        work: see `Work`.
        num_workers: number of processes; they start at the first result that is asked for, and end with the last, or
            when the iterator is closed or let go, whatever they were at.
        lost: the result of an input that kills its process.

    Raises:
        RuntimeError: the processes cannot be started, or `work` raised an error (its traceback is in the message).
    """
    workers: list[_Worker[T]] = []
    queue: deque[_Task[T]] = deque()
    source = iter(groups)
    try:
        while True:
            while len(queue) < _GROUPS_AHEAD * num_workers and (group := next(source, None)) is not None:
                queue.append(_Task(group))
            if not queue:
                return
            waiting = [task for task in queue if not task.done and task.worker is None]
            while len(workers) < num_workers and len(workers) < len(queue):
                workers.append(_Worker(work))
            for worker in workers:
                if worker.task is None and waiting:
                    worker.begin(waiting.pop(0))
            while queue and queue[0].done:
                yield from queue.popleft().hand_out()
            if queue and not queue[0].done:
                _collect(workers, work, lost)
    finally:
        for worker in workers:
            worker.stop()


@dataclass
class _Task(Generic[T]):
    """A group on its way: what is left to do, and the results so far."""

    inputs: list[Any]
    results: list[T] = field(default_factory=list)
    one_by_one: bool = False
    worker: _Worker[T] | None = None

    @property
    def done(self) -> bool:
        return not self.inputs

    def next_portion(self) -> list[Any]:
        return self.inputs[:1] if self.one_by_one else self.inputs

    def hand_out(self) -> Iterator[T]:
        while self.results:
            yield self.results.pop(0)


class _Worker(Generic[T]):
    """One process and this end of its pipe."""

    def __init__(self, work: Work[T]):
        context = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads half
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        try:
            self.process.start()
        except (AttributeError, TypeError, ValueError) as error:
            raise RuntimeError(
                f"A worker process cannot be sent what it needs ({error}): with num_workers above 1, a network, a "
                "solver or a grid of your own must be importable, not defined in a function."
            ) from error
        finally:
            theirs.close()
        self.ready = False
        self.task: _Task[T] | None = None

    def begin(self, task: _Task[T]) -> None:
        self.task, task.worker = task, self
        with suppress(BrokenPipeError, ConnectionResetError):  # it died: `_collect` will see
            self.pipe.send(task.next_portion())

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _collect(workers: list[_Worker[T]], work: Work[T], lost: Callable[[Any], T]) -> None:
    """Wait until a process says something or dies, and put down what it brought."""
    for pipe in wait([worker.pipe for worker in workers if worker.task is not None]):
        worker = next(worker for worker in workers if worker.pipe is pipe)
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            _bury(worker, workers, work, lost)
            continue
        if isinstance(message, str):
            if message != READY:
                raise RuntimeError(f"A worker process failed:\n{message}")
            worker.ready = True
            continue
        task = worker.task
        assert task is not None
        task.results += message
        del task.inputs[: len(message)]
        _free(worker)


def _free(worker: _Worker[T]) -> None:
    if worker.task is not None:
        worker.task.worker = None
    worker.task = None


def _bury(worker: _Worker[T], workers: list[_Worker[T]], work: Work[T], lost: Callable[[Any], T]) -> None:
    """Put a new process in the place of one that died, and see to its group."""
    task = worker.task
    assert task is not None
    if not worker.ready:
        raise RuntimeError(
            "A worker process ended before it began. In a script, what starts the generation must stand below "
            "`if __name__ == '__main__':`, since each process imports the script; otherwise memory may be short."
        )
    if task.one_by_one:
        task.results.append(lost(task.inputs.pop(0)))
    task.one_by_one = True
    _free(worker)
    worker.stop()
    workers[workers.index(worker)] = _Worker(work)


def _serve(pipe: Connection, work: Work[Any]) -> None:
    """What a process does: until the other end of its pipe closes, take a group and send back the results."""
    # Ctrl-C reaches all processes; the first one sees to the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = "1"  # for libraries that are loaded later
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(READY)
        while True:
            inputs = pipe.recv()
            try:
                message: Any = list(work(inputs))
            except MemoryError:
                return  # as if killed: the group is tried again in pieces
            except (
                Exception
            ):  # the parent raises whatever it is, with the traceback that only this process knows
                message = traceback.format_exc()
            pipe.send(message)


def _end_with_parent() -> None:
    """End this process, whatever it is at, when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
