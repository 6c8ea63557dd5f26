"""Configurations from a model with their log-densities, and log-densities of held-out ones: what takes the time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from molediff.particles.generator import ParticleGenerator
from molediff.runtime.files import write_arrays
from molediff.runtime.processes import as_completed

_PART = 64  # configurations a task


@dataclass(frozen=True)
class Draws:
    """Everything that needs the network.

    Attributes:
        samples: for each seed, configurations (n, N, d) and their log-densities (n,).
        held_out: log-densities (m,) of the first test configurations.
        refined_samples: configurations and log-densities of the first samples of the first seed, by a quadrature of
            twice the nodes and steps.
        refined_held_out: log-densities of the first test configurations by that quadrature.
        processor_seconds: that the samples took.
    """

    samples: dict[int, tuple[np.ndarray, np.ndarray]]
    held_out: np.ndarray
    refined_samples: tuple[np.ndarray, np.ndarray]
    refined_held_out: np.ndarray
    processor_seconds: float

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write an `.npz` file that `load_draws` reads."""
        arrays: dict[str, Any] = {"held_out": self.held_out, "refined_held_out": self.refined_held_out}
        arrays["refined_x"], arrays["refined_log_density"] = self.refined_samples
        arrays["processor_seconds"] = np.float64(self.processor_seconds)
        arrays["seeds"] = np.array(list(self.samples))
        for seed, (x, log_density) in self.samples.items():
            arrays[f"x_{seed}"], arrays[f"log_density_{seed}"] = x, log_density
        write_arrays(file, **arrays)


def load_draws(file: str | os.PathLike[str]) -> Draws:
    """Read what `Draws.save` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds something else.
    """
    try:
        with np.load(file) as arrays:
            refined = "refined" if "refined_x" in arrays else "finer"  # as it was called before
            return Draws(
                {int(seed): (arrays[f"x_{seed}"], arrays[f"log_density_{seed}"]) for seed in arrays["seeds"]},
                arrays["held_out"],
                (arrays[f"{refined}_x"], arrays[f"{refined}_log_density"]),
                arrays[f"{refined}_held_out"],
                float(arrays["processor_seconds"]),
            )
    except KeyError as error:
        raise ValueError(f"{os.fspath(file)} holds no draws of an evaluation: {error}") from error


@dataclass(frozen=True)
class Task:
    """A part of the work: `num` samples of `seed` from number `offset` on, or the densities of `x`."""

    weights: str
    seed: int
    offset: int
    num: int
    num_nodes: int
    num_steps: int
    x: np.ndarray | None = None
    compiled: bool = False

    def refined(self) -> Task:
        """The same by twice the nodes and steps."""
        return replace(self, num_nodes=2 * self.num_nodes, num_steps=2 * self.num_steps)


def draw(
    weights: str,
    seeds: Sequence[int],
    num_samples: int,
    test: np.ndarray,
    num_checked: int,
    num_nodes: int,
    num_steps: int,
    num_processes: int = 1,
    report: Callable[[int, int], None] = lambda done, total: None,
    compiled: bool = False,
) -> Draws:
    """Draw samples of every seed, and take the log-densities of held-out configurations.

    Args:
        weights: of a `ParticleGenerator`.
        seeds: of the samples.
        num_samples: of each seed.
        test: held-out configurations, shape (m, N, d).
        num_checked: samples, and held-out configurations, whose density is also taken by the refined quadrature.
        num_nodes, num_steps: of the quadrature; see `core.density.quadrature.GaussLegendre`.
        num_processes: that share the work, one thread each.
        report: called with the number of finished configurations and of all.
        compiled: compile the network, in every process; see `ParticleGenerator`.

    Raises:
        RuntimeError: a process failed.
    """
    quadrature = (num_nodes, num_steps)
    drawn = {
        seed: [Task(weights, seed, *part, *quadrature) for part in _parts(num_samples)] for seed in seeds
    }
    held_out = [Task(weights, 0, *part, *quadrature, test[part[0] : sum(part)]) for part in _parts(len(test))]
    checked = [
        Task(weights, seeds[0], *part, *quadrature).refined()
        for part in _parts(min(num_checked, num_samples))
    ]
    checked_test = [
        Task(weights, 0, *part, *quadrature, test[part[0] : sum(part)]).refined()
        for part in _parts(min(num_checked, len(test)))
    ]
    groups = [*drawn.values(), held_out, checked, checked_test]
    tasks = [replace(task, compiled=compiled) for group in groups for task in group]
    answers: dict[int, tuple[np.ndarray, np.ndarray, float]] = {}
    done, total = 0, sum(task.num for task in tasks)
    for number, answer in _answers(tasks, num_processes):
        answers[number] = answer
        done += tasks[number].num
        report(done, total)
    rows = iter(range(len(tasks)))
    joined = [[answers[next(rows)] for _ in group] for group in groups]
    pairs = [
        (np.concatenate([a[0] for a in group]), np.concatenate([a[1] for a in group])) for group in joined
    ]
    seconds = sum(a[2] for group in joined[: len(drawn)] for a in group)
    samples = dict(zip(drawn, pairs, strict=False))
    return Draws(samples, pairs[-3][1], pairs[-2], pairs[-1][1], seconds)


def _parts(num: int) -> list[tuple[int, int]]:
    return [(first, min(_PART, num - first)) for first in range(0, num, _PART)]


def _answers(
    tasks: Sequence[Task], num_processes: int
) -> Iterator[tuple[int, tuple[np.ndarray, np.ndarray, float]]]:
    if num_processes == 1:
        yield from ((number, _work(task)) for number, task in enumerate(tasks))
        return
    for outcome in as_completed(_numbered_work, enumerate(tasks), num_processes):
        if outcome.value is None:
            raise RuntimeError(f"a process that drew samples failed: {outcome.reason}")
        yield outcome.item[0], outcome.value


def _numbered_work(item: tuple[int, Task]) -> tuple[np.ndarray, np.ndarray, float]:
    torch.set_num_threads(1)
    return _work(item[1])


def _work(task: Task) -> tuple[np.ndarray, np.ndarray, float]:
    """Configurations, their log-densities, and the processor seconds they took."""
    generator, start = _generator(task.weights, task.compiled), os.times()
    options: dict[str, Any] = {"num_nodes": task.num_nodes, "num_steps": task.num_steps, "batch_size": _PART}
    if task.x is not None:
        x, log_density = task.x, generator.log_prob(task.x, **options)
    else:
        x, log_density = generator.generate_with_log_prob(task.num, task.seed, first=task.offset, **options)
    end = os.times()
    return x, log_density, end.user + end.system - start.user - start.system


@lru_cache(maxsize=2)
def _generator(weights: str, compiled: bool) -> ParticleGenerator:
    generator = ParticleGenerator.from_pretrained(weights, device="cpu", compiled=compiled)
    if compiled:  # before any time is taken
        generator.generate_with_log_prob(1, num_nodes=1, num_steps=1)
    return generator
