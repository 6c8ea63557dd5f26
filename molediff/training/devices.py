"""Training on several devices and machines: which part of a batch a process works on, and what all must agree on.

A batch is that of one step of the optimizer, over all processes and accumulated parts: what is learned does not depend
on how many share it. Each process draws the random numbers of the whole batch and uses those of its part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.rank_zero import rank_zero_only
from torch.utils.data import Sampler


class LostProcessError(RuntimeError):
    """Another process of the training is gone."""


@dataclass(frozen=True)
class Share:
    """What one process does at once of the batch of an optimizer step.

    Attributes:
        first, stop: places in the batch of the samples at hand.
        total: samples of the batch.
        weight: of the mean loss at hand, so that the plain mean over all parts is that over the batch.
        begins: whether this is the first part that the process does of the batch.
        part: number of the part among all of the batch.
    """

    first: int
    stop: int
    total: int
    weight: float = 1.0
    begins: bool = True
    part: int = 0

    @property
    def size(self) -> int:
        """Samples at hand."""
        return self.stop - self.first


def shares_of(total: int, rank: int, num_processes: int, num_parts: int = 1) -> list[Share]:
    """The parts of a batch of `total` samples that process `rank` does one after the other.

    Parts are as equal as can be, next to each other, and cover the batch once. One for which no sample is left does the
    first sample at weight 0, since every process must take part in the step.
    """
    num = num_processes * num_parts
    bounds = [total * k // num for k in range(num + 1)]
    shares = []
    for number in range(num_parts):
        part = rank * num_parts + number
        first, stop = bounds[part], bounds[part + 1]
        weight = (stop - first) * num / total
        if stop == first:
            stop = first = 0
        shares.append(Share(first, max(stop, first + 1), total, weight, number == 0, part))
    return shares


class SharedBatches(Sampler[Any]):
    """The part of each batch that one process works on; `shares` tells which it was, in the order of the batches.

    Args:
        batches: lists of indices, or items that hold one, the same in every process.
        rank: of this process.
        num_processes: that share a batch.
        num_parts: which each of them takes one after the other.
        shares: gets a `Share` for each part.
        size: number of samples of an item.
        cut: the part of an item.
    """

    def __init__(
        self,
        batches: Iterable[Any],
        rank: int,
        num_processes: int,
        num_parts: int,
        shares: deque[Share],
        size: Callable[[Any], int] = len,
        cut: Callable[[Any, Share], Any] = lambda indices, share: indices[share.first : share.stop],
    ) -> None:
        self.size, self.cut = size, cut
        self.batches, self.rank, self.num_processes = batches, rank, num_processes
        self.num_parts, self.shares = num_parts, shares

    def __iter__(self) -> Iterator[Any]:
        for item in self.batches:
            for share in shares_of(self.size(item), self.rank, self.num_processes, self.num_parts):
                self.shares.append(share)
                yield self.cut(item, share)


def agreed(trainer: pl.Trainer, decision: Any) -> Any:
    """The decision of the first process, on all of them: what hangs on time differs from one to the other."""
    return decision if trainer.world_size == 1 else trainer.strategy.broadcast(decision, src=0)


def is_first() -> bool:
    """Whether this is the first process of a training, also before Lightning has begun."""
    return int(getattr(rank_zero_only, "rank", None) or 0) == 0


def is_whole(trainer: pl.Trainer, batch_idx: int) -> bool:
    """Whether all parts of a batch are done with the one of this number."""
    return (batch_idx + 1) % trainer.accumulate_grad_batches == 0


def trainer_settings(
    accelerator: str, devices: int | str, num_nodes: int, strategy: str, accumulate: int
) -> dict[str, Any]:
    """Arguments of Lightning's trainer, checked.

    Args:
        accelerator: "cpu" or "cuda".
        devices: on each machine, processes on CPUs; "auto": all GPUs, or one process.
        num_nodes: machines.
        strategy: "auto", "ddp" (which on several devices is what "auto" stands for), or another of Lightning's.
        accumulate: parts that each device takes a batch in, one after the other.

    Raises:
        ValueError: there are not as many devices, or a number is below 1.
    """
    available = torch.cuda.device_count() if accelerator == "cuda" else None
    if devices == "auto":
        devices = available or 1
    for name, value in (("devices", devices), ("num_nodes", num_nodes), ("accumulate", accumulate)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}.")
    assert isinstance(devices, int)
    if available is not None and devices > available:
        raise ValueError(
            f"devices={devices}, but this machine has {available} GPUs: give at most {available}."
        )
    if strategy in ("auto", "ddp"):
        # A batch without stereocentres leaves the layers of handedness without gradient.
        strategy = "ddp_find_unused_parameters_true" if devices * num_nodes > 1 else "auto"
    return {
        "accelerator": accelerator,
        "devices": devices,
        "num_nodes": num_nodes,
        "strategy": strategy,
        "accumulate_grad_batches": accumulate,
        "use_distributed_sampler": False,
    }


def is_lost_process(error: BaseException) -> bool:
    """Whether an error says that another process did not answer any more."""
    words = (
        "connection closed by peer",
        "connection reset",
        "broken pipe",
        "timed out",
        "nccl",
        "gloo",
        "tcpstore",
    )
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
