"""Conformers sampled during training, held against their references: what the loss means in Angstrom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from molediff.core.model import DiffusionModel
from molediff.core.paths import Path
from molediff.core.solvers import DPMSolverPP2M, Solver, central_lambda, with_final_denoising
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.networks.graph import GraphBatch
from molediff.runtime.former import former_names
from molediff.training.optimized import OptimizedTask
from molediff.training.sample_callback import SamplingCallback

__getattr__ = former_names(__name__, {"wrong_hands": "wrong_chirality"})


class SampledConformers(SamplingCallback):
    """Samples conformers of a few held-out molecules with the averaged weights after a validation, and logs their RMSD.

    The noise is the same every time, so that the figures follow the training and not the luck of the draw. Logged are
    the mean and median over molecules of the best heavy-atom RMSD, the mean over all samples (Angstrom), and the share
    of samples with a wrong configuration.

    Args:
        mols: held-out molecules with explicit hydrogens and one reference conformer.
        compare: gives the heavy-atom RMSD, (references, samples) in Angstrom, of two molecules' conformers
            (`evaluation.rmsd.rmsd_matrix`).
        num_samples: conformers a molecule.
        every_minutes: least wall time between two samplings.
        solver: a solver of `core.solvers`.
        times: a grid of `core.solvers.grids`, which a step to t = 0 follows.
        num_steps: steps of the solver, at least 2.
        seed: of the noise.
    """

    def __init__(
        self,
        mols: Sequence[Chem.Mol],
        compare: Callable[[Chem.Mol, Chem.Mol], np.ndarray],
        num_samples: int = 10,
        every_minutes: float = 10.0,
        solver: Solver | None = None,
        times: Callable[[Path, int], Tensor] = central_lambda,
        num_steps: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(every_minutes)
        self.mols = list(mols)
        self.num_samples = num_samples
        self.compare = compare
        self.times = times
        self.solver = DPMSolverPP2M() if solver is None else solver
        self.num_steps = num_steps
        self.seed = seed

    def look(self, task: OptimizedTask, step: int) -> dict[str, float]:
        """Sample and compare."""
        return self.measure(task.model, task.device)

    def measure(self, model: DiffusionModel, device: torch.device) -> dict[str, float]:
        """Sample all molecules and compare with their references."""
        best, every, num_wrong = [], [], 0
        for number, mol in enumerate(self.mols):
            graph = collate([mol_to_graph(mol)]).to(device)
            positions = self._sample(model, graph, number)
            num_wrong += int(wrong_chirality(positions, graph).sum())
            rmsd = self.compare(mol, with_conformers(mol, positions))[0].tolist()
            best.append(min(rmsd))
            every.extend(rmsd)
        return {
            "val/rmsd_best_mean": fmean(best),
            "val/rmsd_best_median": median(best),
            "val/rmsd_all_mean": fmean(every),
            "val/wrong_stereo": num_wrong / len(every),
        }

    @torch.no_grad()
    def _sample(self, model: DiffusionModel, graph: GraphBatch, number: int) -> Tensor:
        """Conformers (num_samples, N, 3) of one molecule, in Angstrom."""
        space = model.space
        seeds = range(self.seed + 10_000 * number, self.seed + 10_000 * number + self.num_samples)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        encoding = model.encode(graph).repeat(self.num_samples)
        mask = graph.mask.repeat_interleave(self.num_samples, dim=0)
        x_1 = space.sample((*mask.shape, 3), generators, mask, device=mask.device)
        times = with_final_denoising(self.times(model.path, self.num_steps - 1))
        denoiser = model.denoiser_of(encoding)
        x_0 = self.solver.sample(denoiser, model.path, times, x_1, generators, space, mask)
        return model.to_data(x_0, encoding)


def wrong_chirality(positions: Tensor, graph: GraphBatch) -> Tensor:
    """Whether any stereocentre of each sample (n, N, 3) of the molecule in `graph` has a wrong one, shape (n,)."""
    if not len(graph.chiral_sign):
        return torch.zeros(len(positions), dtype=torch.bool, device=positions.device)
    centre, a, b, c = graph.chiral_index.T
    u, v, w = (positions[:, neighbour] - positions[:, centre] for neighbour in (a, b, c))
    volume = (u * torch.linalg.cross(v, w)).sum(-1)
    return (volume * graph.chiral_sign <= 0).any(1)


def with_conformers(mol: Chem.Mol, positions: Tensor) -> Chem.Mol:
    """A copy of `mol` with `positions` (n, N, 3) in Angstrom as its conformers."""
    mol = Chem.Mol(mol)
    mol.RemoveAllConformers()
    for sample in positions.double().cpu().numpy():
        conformer = Chem.Conformer(mol.GetNumAtoms())
        conformer.SetPositions(np.ascontiguousarray(sample))
        mol.AddConformer(conformer, assignId=True)
    return mol
