"""Drawing raw samples: which molecules share a batch, whose random numbers, and the solver's run."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from molediff.core.fixed_points import hold_points
from molediff.core.model import Denoiser, DiffusionModel
from molediff.core.solvers import Step
from molediff.molecules.generation.fixed import FixedAtoms
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.graph.graph import MolecularGraph, collate

T = TypeVar("T")

# Molecules share a batch if the smallest has at least this share of the largest one's atoms: padding costs as
# its square.
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
        times, x_t, x_0_hat: see `Trajectory`; None if not kept.
        num_without_start: of the NaN, those that had no structure to begin with.
    """

    x: np.ndarray
    times: np.ndarray | None = None
    x_t: np.ndarray | None = None
    x_0_hat: np.ndarray | None = None
    num_without_start: int = 0


def plan_batches(demands: Sequence[Demand[T]], batch_atoms: int) -> Iterator[list[Demand[T]]]:
    """Group demands into batches of at most `batch_atoms` padded atoms, but at least one sample.

    Large molecules come first. A demand that does not fit into one batch is split into nearly equal parts.
    """
    parts: list[Demand[T]] = []
    for demand in sorted(demands, key=lambda demand: (-demand.num_atoms, -len(demand.slots))):
        most = max(1, batch_atoms // demand.num_atoms)
        num_parts = math.ceil(len(demand.slots) / most)
        parts += [
            Demand(demand.owner, demand.num_atoms, demand.slots[i::num_parts]) for i in range(num_parts)
        ]
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

    def __init__(
        self, model: DiffusionModel, options: GenerationOptions, device: torch.device, autocast: bool
    ):
        self.model, self.device, self.autocast = model, device, autocast
        self.solver = options.make_solver()
        self.times = options.times(model.path)
        self.start = float(model.path.sigma(self.times[:1]))
        self.keep_steps = options.trajectory

    @torch.inference_mode()
    def draw(
        self,
        graphs: Sequence[MolecularGraph],
        generators: Sequence[Sequence[torch.Generator]],
        fixed: Sequence[FixedAtoms | None] = (),
        starts: Sequence[np.ndarray | None] = (),
    ) -> list[RawSamples]:
        """For each graph, as many samples as it has generators; `fixed` says which of its atoms are held, if any are.

        `starts` are the structures to begin with, (n, N, 3) in Angstrom for each graph; without them it is noise.

        The graph trunk runs once a molecule if all have the same number of samples, else once a sample.
        """
        counts = [len(mine) for mine in generators]
        copies = counts[0]
        if min(counts) < max(counts):
            graphs_of_samples = [
                graph for graph, count in zip(graphs, counts, strict=True) for _ in range(count)
            ]
            batch, copies = collate(graphs_of_samples), 1
        else:
            batch = collate(graphs)
        with self._autocast():
            condition = self.model.encode(batch.to(self.device)).repeat(copies)
        denoiser = self._denoiser(condition)
        if any(part is not None for part in fixed):
            denoiser = self._holding(denoiser, condition, *self._known(fixed, counts, condition.mask))
        steps: list[Step] = []
        numbers = [generator for mine in generators for generator in mine]
        given = [start for start in starts if start is not None]
        x_1 = self._from_starts(given, condition.mask) if given else self._noise(numbers, condition.mask)
        x = self._solve(denoiser, x_1, condition.mask, numbers, steps)
        x, to_data = self.model.to_data(x, condition), self.model.to_data
        steps = [
            step._replace(x_t=to_data(step.x_t, condition), x_0_hat=to_data(step.x_0_hat, condition))
            for step in steps
        ]
        ends = np.cumsum(counts)
        samples = [
            self._cut(x, steps, slice(end - count, end), graph.num_nodes)
            for graph, count, end in zip(graphs, counts, ends, strict=True)
        ]
        if not given:
            return samples
        missing = [int(np.isnan(start).any(axis=(1, 2)).sum()) for start in given]
        return [replace(raw, num_without_start=num) for raw, num in zip(samples, missing, strict=True)]

    def _holding(self, denoiser: Denoiser, condition: Any, known: Tensor, is_known: Tensor) -> Denoiser:
        """The denoiser with the `known` atoms (n, N, 3) put in; under a prior its estimates become points for that."""
        if self.model.prior is None:
            return hold_points(denoiser, known, is_known)
        held = hold_points(lambda x, t: condition.to_points(denoiser(x, t)), known, is_known)
        return lambda x, t: condition.from_points(held(x, t))

    def _known(
        self, fixed: Sequence[FixedAtoms | None], counts: Sequence[int], mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Coordinates (n, N, 3) in model units, 0 where free, and (n, N) booleans of the atoms that are held."""
        known, is_known = torch.zeros(*mask.shape, 3), torch.zeros(mask.shape, dtype=torch.bool)
        for part, count, end in zip(fixed, counts, np.cumsum(counts), strict=True):
            if part is not None:
                atoms = torch.from_numpy(part.atoms)
                x = (part.positions - part.positions.mean(0)) / self.model.scale
                known[end - count : end, atoms] = torch.from_numpy(x).float()
                is_known[end - count : end, atoms] = True
        return known.to(self.device), is_known.to(self.device)

    def _solve(
        self,
        denoiser: Denoiser,
        x_1: Tensor,
        mask: Tensor,
        generators: list[torch.Generator],
        steps: list[Step],
    ) -> Tensor:
        """Samples (n, N, 3) in model units; the steps go into `steps` if they are to be kept."""
        with warnings.catch_warnings():
            # Samples that fail are counted and drawn again: no need to warn of them.
            warnings.filterwarnings("ignore", message=".*returned as NaN.*")
            return self.solver.sample(
                denoiser,
                self.model.path,
                self.times,
                x_1,
                generators,
                self.model.space,
                None if bool(mask.all()) else mask,
                steps.append if self.keep_steps else None,
            )

    def _noise(self, generators: list[torch.Generator], mask: Tensor) -> Tensor:
        """The state at the first time for samples that begin with noise, (n, N, 3)."""
        of_padded = None if bool(mask.all()) else mask
        shape = (*mask.shape, 3)
        unit = self.model.space.sample(
            shape, generators, mask=of_padded, device=self.device, dtype=torch.float32
        )
        return self.start * unit

    def _from_starts(self, starts: Sequence[np.ndarray], mask: Tensor) -> Tensor:
        """The same for samples that begin with structures: their errors stand for the noise of that time."""
        x = torch.zeros(*mask.shape, 3)
        ends = np.cumsum([len(start) for start in starts])
        for start, end in zip(starts, ends, strict=True):
            x[end - len(start) : end, : start.shape[1]] = torch.from_numpy(start).float()
        alpha = float(self.model.path.alpha(self.times[:1]))
        return alpha * self.model.from_data(x.to(self.device), mask=mask)

    def _denoiser(self, condition: Any) -> Denoiser:
        """`DiffusionModel.denoiser_of`, whose matrix products alone autocast touches."""
        denoiser = self.model.denoiser_of(condition)

        def denoise(x_t: Tensor, t: Tensor) -> Tensor:
            with self._autocast():
                return denoiser(x_t, t)

        return denoise

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.autocast)

    def _cut(self, x: Tensor, steps: list[Step], rows: slice, num_atoms: int) -> RawSamples:
        """The samples `rows` without padding."""

        def cut(y: Tensor) -> np.ndarray:
            return y[rows, :num_atoms].cpu().numpy()

        coordinates = cut(x).astype(np.float64)
        if not steps:
            return RawSamples(coordinates)
        x_t, x_0_hat = (
            np.stack([cut(step.x_t) for step in steps]),
            np.stack([cut(step.x_0_hat) for step in steps]),
        )
        return RawSamples(coordinates, np.array([step.t for step in steps]), x_t, x_0_hat)
