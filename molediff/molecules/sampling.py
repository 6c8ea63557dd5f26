"""Drawing raw samples: which molecules share a batch, which random numbers each sample gets, and the solver's run."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from molediff.core.model import Denoiser, DiffusionModel
from molediff.core.solvers import Step
from molediff.core.target import Sample, convert
from molediff.molecules.graph import MolecularGraph, collate
from molediff.molecules.options import GenerationOptions

T = TypeVar("T")

# Molecules share a batch if the smallest has at least this share of the largest one's atoms: padding costs as its square.
_SIMILAR = 0.9


@dataclass(frozen=True)
class Demand(Generic[T]):
    """Samples wanted of one molecule: conformer numbers `slots`, for whoever `owner` is."""

    owner: T
    num_atoms: int
    slots: tuple[int, ...]


@dataclass(frozen=True)
class RawSamples:
    """Coordinates of one molecule as they come from the solver, unchecked.

    Attributes:
        x: in Angstrom, float64, shape (n, N, 3); NaN where the network failed.
        frames: the solver's steps as (t, x_t, x_0_hat) with the last two of shape (n, N, 3), float32, in Angstrom.
    """

    x: np.ndarray
    frames: list[tuple[float, np.ndarray, np.ndarray]]


def sample_generator(seed: int, key: bytes, conformer: int, attempt: int) -> torch.Generator:
    """The random numbers of one sample: they depend on these four and on nothing else."""
    digest = hashlib.blake2b(f"{seed},{conformer},{attempt}".encode(), key=key, digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))


def plan_batches(demands: Sequence[Demand[T]], batch_atoms: int) -> Iterator[list[Demand[T]]]:
    """Group demands into batches of at most `batch_atoms` padded atoms (but at least one sample), large molecules first.

    A demand that does not fit into one batch is split into nearly equal parts.
    """
    parts: list[Demand[T]] = []
    for demand in sorted(demands, key=lambda demand: (-demand.num_atoms, -len(demand.slots))):
        most = max(1, batch_atoms // demand.num_atoms)
        num_parts = math.ceil(len(demand.slots) / most)
        for part in range(num_parts):
            parts.append(Demand(demand.owner, demand.num_atoms, demand.slots[part::num_parts]))
    batch: list[Demand[T]] = []
    num_samples = 0
    for part in parts:
        if batch:
            width = batch[0].num_atoms
            fits = (num_samples + len(part.slots)) * width <= batch_atoms
            if not fits or part.num_atoms < _SIMILAR * width:
                yield batch
                batch, num_samples = [], 0
        batch.append(part)
        num_samples += len(part.slots)
    if batch:
        yield batch


class Sampler:
    """Runs the solver on batches of molecules.

    Args:
        model: works in units of `model.scale` Angstrom.
        options: solver, grid and whether to keep the trajectory.
        device: where the model is.
        autocast: bfloat16 matrix products in the network; coordinates and the solver's state stay float32.
    """

    def __init__(self, model: DiffusionModel, options: GenerationOptions, device: torch.device, autocast: bool):
        self.model, self.device, self.autocast = model, device, autocast
        self.solver = options.make_solver()
        self.times = options.times(model.path)
        self.start = float(model.path.sigma(self.times[:1]))
        self.keep_frames = options.trajectory

    @torch.inference_mode()
    def draw(
        self, graphs: Sequence[MolecularGraph], generators: Sequence[Sequence[torch.Generator]]
    ) -> list[RawSamples]:
        """For each graph, as many samples as it has generators.

        The graph trunk runs once a molecule if all have the same number of samples, else once a sample.
        """
        counts = [len(mine) for mine in generators]
        equal = min(counts) == max(counts)
        repeated = graphs if equal else [g for g, count in zip(graphs, counts, strict=True) for _ in range(count)]
        batch = collate(list(repeated)).to(self.device)
        flat = [generator for mine in generators for generator in mine]
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.autocast):
            condition = self.model.encode(batch).repeat(counts[0] if equal else 1)
        x, frames = self._solve(condition, flat)
        sizes = [int(graph.num_nodes or 0) for graph in graphs]
        starts = np.cumsum([0, *counts])
        return [
            RawSamples(
                x[start:end, :size].astype(np.float64),
                [(t, x_t[start:end, :size], x_0[start:end, :size]) for t, x_t, x_0 in frames],
            )
            for start, end, size in zip(starts[:-1], starts[1:], sizes, strict=True)
        ]

    def _solve(
        self, condition: object, generators: list[torch.Generator]
    ) -> tuple[np.ndarray, list[tuple[float, np.ndarray, np.ndarray]]]:
        """Samples (n, N, 3) in Angstrom and, if asked for, the frames."""
        model = self.model
        mask: Tensor = condition.mask  # type: ignore[attr-defined]
        real = None if bool(mask.all()) else mask
        frames: list[tuple[float, np.ndarray, np.ndarray]] = []

        def to_angstrom(x: Tensor) -> np.ndarray:
            return (x.float() * model.scale).cpu().numpy()

        def keep(step: Step) -> None:
            frames.append((step.t, to_angstrom(step.x_t), to_angstrom(step.x0_hat)))

        evaluate = self._denoiser(condition)
        noise = model.space.sample(
            (*mask.shape, 3), generators, mask=real, device=self.device, dtype=torch.float32
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*not finite.*")  # such samples are counted and drawn again
            x = self.solver.sample(
                evaluate,
                model.path,
                self.times,
                self.start * noise,
                generators,
                model.space,
                real,
                keep if self.keep_frames else None,
            )
        return to_angstrom(x), frames

    def _denoiser(self, condition: object) -> Denoiser:
        """As `DiffusionModel.denoiser`, but of a condition that is encoded already, and with only the network under autocast."""
        device = self.device.type
        def denoise(x_t: Tensor, t: Tensor) -> Tensor:
            with torch.autocast(device, dtype=torch.bfloat16, enabled=self.autocast):
                pred = self.model.predict(x_t, t, condition)
            return convert(pred.float(), x_t, t, self.model.path, self.model.target, Sample())

        return denoise
