"""What the solvers' own arithmetic costs, beside the network that they call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from rdkit import Chem
from torch import Tensor, nn

from molediff.core.generators import Generators
from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.solvers import Solver, uniform_lambda
from molediff.core.target import V
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.networks.equivariant import Encoding, EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES

SMILES = "CC[C@H](C)NC=O"  # 18 atoms, as a QM9 molecule has on average, and a stereocentre


@dataclass(frozen=True)
class Overhead:
    """Processor seconds an evaluation, for a batch.

    Attributes:
        num_samples, num_atoms: of the batch, in three dimensions.
        num_parameters: of the network.
        network: one bare call of the network.
        loop: everything else, by solver: the step, the conversion of the network's output, the projection, the
            noise.
    """

    num_samples: int
    num_atoms: int
    num_parameters: int
    network: float
    loop: dict[str, float]

    def share(self, solver: str) -> float:
        """Overhead of a solver over the bare network calls."""
        return self.loop[solver] / self.network


class _Idle(nn.Module):
    """A network that costs nothing."""

    def forward(self, x: Tensor, lambda_: Tensor, condition: object) -> Tensor:
        return x


def measure_overhead(
    solvers: Mapping[str, Solver], num_samples: int = 64, num_steps: int = 10, num_repeats: int = 3
) -> Overhead:
    """Time the network of the shipped size alone, and each solver with a network that costs nothing.

    Args:
        solvers: by name.
        num_samples: in the batch, copies of one molecule of 18 atoms.
        num_steps: of each timed run.
        num_repeats: the fastest counts, since other work on the machine only ever slows a run.
    """
    network = EquivariantNetwork(NODE_CARDINALITIES, PAIR_CARDINALITIES, length_scale=1.4).eval()
    graph = mol_to_graph(Chem.AddHs(Chem.MolFromSmiles(SMILES)))
    space = ZeroCentreOfMass()
    with torch.inference_mode():
        encoded = network.encode(collate([graph]))
        assert encoded is not None  # it is None only for a network without codes
        encoding = encoded.repeat(num_samples)
        generators = Generators([0] * num_samples, [(i, 0) for i in range(num_samples)])
        x = space.sample((num_samples, encoding.mask.shape[1], 3), generators, encoding.mask)
        lambda_ = torch.zeros(num_samples)
        seconds = _fastest(lambda: network(x, lambda_, encoding), num_repeats)
        loop = {
            name: _loop_seconds(solver, encoding, x, generators, num_steps, num_repeats)
            for name, solver in solvers.items()
        }
    num_parameters = sum(parameter.numel() for parameter in network.parameters())
    return Overhead(num_samples, x.shape[1], num_parameters, seconds, loop)


def _loop_seconds(
    solver: Solver,
    encoding: Encoding,
    x: Tensor,
    generators: Generators,
    num_steps: int,
    num_repeats: int,
) -> float:
    """Seconds an evaluation of a whole run with a network that costs nothing."""
    space, path = ZeroCentreOfMass(), CosineVP()
    denoiser = DiffusionModel(_Idle(), path, V(), space).denoiser(encoding)
    times = uniform_lambda(path, num_steps)
    seen: list[int] = []

    def run() -> None:
        count = lambda step: seen.append(step.num_evaluations)  # noqa: E731
        solver.sample(denoiser, path, times, x, generators, space, encoding.mask, count)

    return _fastest(run, num_repeats) / seen[-1]


def _fastest(function: Callable[[], object], num_repeats: int) -> float:
    """Least processor seconds of a call."""
    spent = []
    for _ in range(num_repeats):
        start = time.process_time()
        function()
        spent.append(time.process_time() - start)
    return min(spent)
