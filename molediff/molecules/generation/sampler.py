"""Drawing raw samples: which molecules share a batch, whose random numbers, and the solver's run."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from molediff.core.fixed_points import hold_points
from molediff.core.generators import Generators
from molediff.core.model import Condition, Denoiser, DiffusionModel
from molediff.core.solvers import Step
from molediff.molecules.generation.fixed import FixedAtoms
from molediff.molecules.generation.options import GenerationOptions
from molediff.molecules.graph.graph import MolecularGraph, collate
from molediff.networks.heavy_encoding import HeavyEncoding
from molediff.sampling.draw import draw, start_noise
from molediff.sampling.trajectory import Trajectory

# Molecules share a batch if the smallest has at least this fraction of the largest one's atoms: padding costs as
# its square.
_SIMILAR = 0.9


@dataclass(frozen=True)
class RawSamples:
    """Coordinates of one molecule as they come from the solver, unchecked.

    Attributes:
        x: in Angstrom, float64, shape (n, N, 3); NaN where the network failed.
        trajectory: their way, float32; None if not kept.
        num_without_start: of the NaN, those that had no structure to begin with.
        energies: as the network tells them, in kcal/mol, shape (n,); None if not asked for.
    """

    x: np.ndarray
    trajectory: Trajectory | None = None
    num_without_start: int = 0
    energies: np.ndarray | None = None


class Sized(Protocol):
    """A molecule of so many atoms."""

    @property
    def num_atoms(self) -> int: ...


Molecule = TypeVar("Molecule", bound=Sized)
Slots = tuple[int, ...]
"""Numbers of conformers of a molecule."""


def plan_batches(
    wanted: Iterable[tuple[Molecule, Slots]], batch_atoms: int
) -> Iterator[list[tuple[Molecule, Slots]]]:
    """Group the conformers wanted of molecules into batches of at most `batch_atoms` padded atoms, but at least one
    sample.

    Large molecules come first. Those of a molecule that do not fit into one batch are split into nearly equal parts.
    """
    parts: list[tuple[Molecule, Slots]] = []
    for molecule, slots in sorted(wanted, key=lambda part: (-part[0].num_atoms, -len(part[1]))):
        most = max(1, batch_atoms // molecule.num_atoms)
        num_parts = math.ceil(len(slots) / most)
        parts += [(molecule, slots[i::num_parts]) for i in range(num_parts)]
    batch: list[tuple[Molecule, Slots]] = []
    num_samples = 0
    for molecule, slots in parts:
        if batch:
            width = batch[0][0].num_atoms
            fits = (num_samples + len(slots)) * width <= batch_atoms
            if not fits or molecule.num_atoms < _SIMILAR * width:
                yield batch
                batch, num_samples = [], 0
        batch.append((molecule, slots))
        num_samples += len(slots)
    if batch:
        yield batch


def halves(batch: list[tuple[Molecule, Slots]]) -> list[list[tuple[Molecule, Slots]]]:
    """A batch in two, as equal in molecules or, of one, in samples as can be; none of a single sample."""
    if len(batch) > 1:
        return [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
    [(molecule, slots)] = batch
    middle = len(slots) // 2
    return [[(molecule, slots[:middle])], [(molecule, slots[middle:])]] if middle else []


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
        self.solver = options.solver_object
        self.times = options.times(model.path)
        self.keep_steps = options.trajectory
        # Torsions as crystals have them stay: turns lead to minima in vacuum.
        self.turns_bonds = options.init != "crystal"
        self.keep_energies = options.needs_learned_energies and model.gives_energies

    @torch.inference_mode()
    def draw(
        self,
        graphs: Sequence[MolecularGraph],
        counts: Sequence[int],
        generators: Generators,
        fixed: Sequence[FixedAtoms | None] = (),
        starts: Sequence[np.ndarray] = (),
    ) -> list[RawSamples]:
        """For each graph so many samples, whose generators follow each other; `fixed` says which atoms are held.

        `starts` are the structures to begin with, (n, N, 3) in Angstrom for each graph; without them it is noise.

        The graph trunk runs once a molecule if all have the same number of samples, else once a sample.
        """
        copies = counts[0]
        if min(counts) < max(counts):
            graphs_of_samples = [
                graph for graph, count in zip(graphs, counts, strict=True) for _ in range(count)
            ]
            batch, copies = collate(graphs_of_samples), 1
        else:
            batch = collate(graphs)
        with self._autocast():
            condition = self.model.encode(batch.to(self.device), copies)
        mask, energies = batch.mask.to(self.device).repeat_interleave(copies, dim=0), list[Tensor]()
        if isinstance(condition, HeavyEncoding) and not self.turns_bonds:
            condition = condition.without_turns()
        if any(part is not None for part in fixed):
            known, is_known = self._known(fixed, counts, mask)
            if isinstance(condition, HeavyEncoding):
                condition = condition.holding(is_known)
            free = self._denoiser(condition, energies)
            denoiser = self._grafted(free, fixed, counts) if starts else hold_points(free, known, is_known)
        else:
            denoiser = self._denoiser(condition, energies)
        steps: list[Step] = []
        x = self._solve(denoiser, mask, batch.padded, generators, steps, starts)
        ends = np.cumsum(counts)
        samples = [
            self._cut(x, steps, energies, slice(end - count, end), graph.num_nodes)
            for graph, count, end in zip(graphs, counts, ends, strict=True)
        ]
        if not starts:
            return samples
        missing = [int(np.isnan(start).any(axis=(1, 2)).sum()) for start in starts]
        return [replace(raw, num_without_start=num) for raw, num in zip(samples, missing, strict=True)]

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

    def _grafted(
        self, denoiser: Denoiser, fixed: Sequence[FixedAtoms | None], counts: Sequence[int]
    ) -> Denoiser:
        """Held atoms put into every estimate. It is a molecule already: what hangs on them goes with them."""
        ends = np.cumsum(counts).tolist()
        parts = [
            (part, slice(end - count, end))
            for part, count, end in zip(fixed, counts, ends, strict=True)
            if part is not None
        ]

        def held(x_t: Tensor, t: Tensor) -> Tensor:
            x_0_hat = denoiser(x_t, t)
            for part, rows in parts:
                own = x_0_hat[rows, : part.mol.GetNumAtoms()]
                x = part.graft.onto(self.model.scale * own.double().cpu().numpy())
                own.copy_(torch.from_numpy(x / self.model.scale))
            return x_0_hat

        return held

    def _solve(
        self,
        denoiser: Denoiser,
        mask: Tensor,
        is_padded: bool,
        generators: Generators,
        steps: list[Step],
        starts: Sequence[np.ndarray],
    ) -> Tensor:
        """Samples (n, N, 3) in model units; the steps go into `steps` if they are to be kept."""
        shape, keep = (mask.shape[1], 3), steps.append if self.keep_steps else None
        padded = mask if is_padded else None
        if starts:
            x_1 = self._from_starts(starts, mask)
        else:
            x_1 = start_noise(self.model, self.times, shape, generators, padded, self.device)
        with warnings.catch_warnings():
            # Samples that fail are counted and drawn again: no need to warn of them.
            warnings.filterwarnings("ignore", message=".*returned as NaN.*")
            return draw(self.model, self.solver, self.times, denoiser, x_1, generators, padded, keep)

    def _from_starts(self, starts: Sequence[np.ndarray], mask: Tensor) -> Tensor:
        """The state (n, N, 3) at the first time of samples that begin with structures: their errors stand for noise."""
        x = torch.zeros(*mask.shape, 3)
        ends = np.cumsum([len(start) for start in starts])
        for start, end in zip(starts, ends, strict=True):
            x[end - len(start) : end, : start.shape[1]] = torch.from_numpy(start).float()
        alpha = float(self.model.path.alpha(self.times[0]))
        return alpha * self.model.from_data(x.to(self.device), mask)

    def _denoiser(self, condition: Condition | None, energies: list[Tensor]) -> Denoiser:
        """`DiffusionModel.denoiser_of`, whose matrix products alone autocast touches; the energies of all estimates go
        into `energies` if they are to be kept.
        """
        denoiser = self.model.denoiser_of(condition, energies.append if self.keep_energies else None)

        def denoise(x_t: Tensor, t: Tensor) -> Tensor:
            with self._autocast():
                return denoiser(x_t, t)

        return denoise

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.autocast)

    def _cut(
        self, x: Tensor, steps: list[Step], energies: list[Tensor], rows: slice, num_atoms: int
    ) -> RawSamples:
        """The samples `rows` without padding, in Angstrom, and the energies of the last estimates of them."""

        def cut(y: Tensor) -> np.ndarray:
            return self.model.to_data(y)[rows, :num_atoms].cpu().numpy()

        return RawSamples(
            cut(x).astype(np.float64),
            Trajectory.of(steps, cut) if steps else None,
            energies=energies[-1][rows].double().cpu().numpy() if energies else None,
        )
