"""Work shared by several processes: outcomes as they come, or results in the order of the inputs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from typing import Any, Generic, TypeVar

from molediff.runtime.workers import Outcome, pool_of

__all__ = ["Outcome", "as_completed", "in_order"]

Item = TypeVar("Item")
Value = TypeVar("Value")

# Groups that are handed out or finished ahead of the result that is asked for, for each process: none waits for a slow
# group before it, and memory stays bounded.
_GROUPS_AHEAD = 2


def as_completed(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    num_processes: int,
    seconds_each: float | None = None,
) -> Iterator[Outcome[Item, Value]]:
    """Call `function` on every item in one of several processes, and yield outcomes as they come.

    Closing the iterator, or an exception in the loop over it, ends the processes.

    Args:
        function: of a module, since new processes must import it; it and its results must be picklable.
        items: read as they are handed out.
        num_processes: at least 1.
        seconds_each: most seconds for one item; its process is then killed and replaced. None: no limit.

    Raises:
        ValueError: no process, or a limit that is not above 0.
        RuntimeError: processes cannot be started.
    """
    waiting = iter(items)
    with pool_of(function, num_processes, seconds_each) as pool:
        while True:
            for item in islice(waiting, pool.num_free):
                pool.hand_out(item)
            if not pool.num_busy:
                return
            yield from pool.collect()


def in_order(
    work: Callable[[list[Item]], Iterable[Value]],
    groups: Iterable[list[Item]],
    num_processes: int,
    lost: Callable[[Item], Value],
) -> Iterator[Value]:
    """Results of all inputs, in order, computed by several processes a group at a time.

    A group whose process dies (killed, or out of memory) is tried again one input at a time; an input on which a
    process dies too gets `lost(input)` as its result.

    Args:
        work: from a group of inputs to as many results. It must be picklable: it is sent to every process once.
        groups: read as the processes become free.
        num_processes: at least 1; they start at the first result that is asked for, and end with the last, or when the
            iterator is closed or let go, whatever they were at.
        lost: the result of an input that kills its process.

    Raises:
        ValueError: no process.
        RuntimeError: processes cannot be started, or `work` raised an error (its traceback is in the message).
    """
    queue: deque[_Group[Item, Value]] = deque()
    away: dict[int, _Group[Item, Value]] = {}
    source, numbers = iter(groups), count()
    with pool_of(partial(_work_on, work), num_processes) as pool:
        while True:
            while len(queue) < _GROUPS_AHEAD * num_processes and (inputs := next(source, None)) is not None:
                queue.append(_Group(inputs))
            if not queue:
                return
            at_home = (group for group in queue if group.inputs and group not in away.values())
            for group, number in zip(islice(list(at_home), pool.num_free), numbers, strict=False):
                away[number] = group
                pool.hand_out((number, group.portion()))
            while queue and not queue[0].inputs:
                yield from queue.popleft().hand_out()
            if queue:
                for outcome in pool.collect():
                    away.pop(outcome.item[0]).take(outcome, lost)


def _work_on(work: Callable[[list[Any]], Iterable[Value]], numbered: tuple[int, list[Any]]) -> list[Value]:
    return list(work(numbered[1]))


@dataclass(eq=False)
class _Group(Generic[Item, Value]):
    """Inputs on their way: those left to do, and the results so far."""

    inputs: list[Item]
    results: list[Value] = field(default_factory=list)
    one_by_one: bool = False

    def portion(self) -> list[Item]:
        return self.inputs[:1] if self.one_by_one else self.inputs

    def take(
        self, outcome: Outcome[tuple[int, list[Item]], list[Value]], lost: Callable[[Item], Value]
    ) -> None:
        if outcome.traceback:
            raise RuntimeError(f"A worker process failed:\n{outcome.traceback}")
        if outcome.value is not None:
            self.results += outcome.value
            self.inputs = self.inputs[len(self.portion()) :]
        elif self.one_by_one:
            self.results.append(lost(self.inputs[0]))
            self.inputs = self.inputs[1:]
        self.one_by_one = self.one_by_one or outcome.value is None

    def hand_out(self) -> Iterator[Value]:
        while self.results:  # let go of each as soon as it is handed out
            yield self.results.pop(0)
