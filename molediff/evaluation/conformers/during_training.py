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
from molediff.molecules.conformers import with_conformers
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.molecules.perception.stereo import StereoCheck
from molediff.networks.graph import GraphBatch
from molediff.sampling.draw import draw, start_noise
from molediff.sampling.seeds import numbered_generators
from molediff.training.optimized import OptimizedTask
from molediff.training.sample_callback import SamplingCallback


class SampledConformers(SamplingCallback):
    """Samples conformers of a few held-out molecules with the averaged weights after a validation, and logs their RMSD.

    The noise is the same every time, so that the figures follow the training and not the luck of the draw. Logged are
    the mean and median over molecules of the best heavy-atom RMSD, the mean over all samples (Angstrom), and the
    fraction of samples with a stereocentre of the wrong hand.

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
            graph = mol_to_graph(mol)
            positions = self._sample(model, collate([graph]).to(device), number)
            num_wrong += int(StereoCheck(mol, graph).wrong_centres(positions).any(axis=1).sum())
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
    def _sample(self, model: DiffusionModel, graph: GraphBatch, number: int) -> np.ndarray:
        """Conformers (num_samples, N, 3) of molecule `number`, in Angstrom."""
        generators = numbered_generators(self.seed, [(number, i) for i in range(self.num_samples)])
        encoding = model.encode(graph, self.num_samples)
        mask = graph.mask.repeat_interleave(self.num_samples, dim=0)
        times = with_final_denoising(self.times(model.path, self.num_steps - 1))
        x_1 = start_noise(model, times, (mask.shape[1], 3), generators, mask, mask.device)
        x_0 = draw(model, self.solver, times, model.denoiser_of(encoding), x_1, generators, mask)
        return model.to_data(x_0).double().cpu().numpy()
