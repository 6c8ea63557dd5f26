"""Graphs out of nothing: what is known is given, the rest is revealed by the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from molediff.core.discrete import (
    CategoricalDenoiser,
    CategoricalModel,
    CategoricalSolver,
    CategoricalStep,
    EntropyBounded,
    classifier_free,
    log_prob_bound,
    uniform_grid,
)
from molediff.core.generators import Generators
from molediff.molecules.whole.alphabet import Alphabet
from molediff.molecules.whole.graphs import matrix_of
from molediff.molecules.whole.possible import only_possible
from molediff.molecules.whole.properties import WantedProperties
from molediff.molecules.whole.request import Request, size_at
from molediff.networks.graph_denoiser import GraphSizes
from molediff.sampling.seeds import numbered_generators


@dataclass(frozen=True)
class DrawnGraph:
    """A graph of the model, valid or not.

    Attributes:
        state: int64, shape (T,); -1 where the network gave NaN.
        num_evaluations: of the network.
        log_prob_bound: of the state with its numbering, and of its number of atoms; None if not asked for.
        states: the steps, shape (S, T); None if not asked for.
    """

    state: np.ndarray
    num_evaluations: int
    log_prob_bound: float | None = None
    states: np.ndarray | None = None


class GraphSampler:
    """Draws graphs.

    Args:
        model: the trained model.
        request: what all graphs have in common.
        solver: how entries are revealed.
        num_steps: evaluations at most; None: one for each entry of the largest graph.
        constrained: the alphabet by which to rule out at every step what no molecule could complete; None: nothing.
        log_prob: also estimate the log-probability of each.
        trajectory: keep the steps.
        wanted: properties to ask for; None: none.
        guidance: weight w of (1 + w) conditional - w unconditional logits; 0 is the model given the properties.
    """

    def __init__(
        self,
        model: CategoricalModel,
        request: Request,
        solver: CategoricalSolver,
        num_steps: int | None,
        constrained: Alphabet | None,
        log_prob: bool,
        trajectory: bool,
        wanted: WantedProperties | None = None,
        guidance: float = 0.0,
    ) -> None:
        self.model, self.request, self.solver = model, request, solver
        largest = len(request.sizes) - 1
        self.times = uniform_grid(largest * (largest + 1) // 2 if num_steps is None else num_steps)
        self.constrained, self.log_prob, self.trajectory = constrained, log_prob, trajectory
        self.wanted, self.guidance = wanted, guidance

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @property
    def ordered(self) -> bool:
        """Whether atoms are numbered in an order that means something."""
        return bool(getattr(self.model.network, "ordered", False))

    def draw(self, seed: int, numbers: Sequence[tuple[int, int]]) -> list[DrawnGraph]:
        """The graphs of these numbers: sample and attempt, on which a graph depends, and on nothing else."""
        generators = numbered_generators(seed, numbers, key=b"graph")
        of_sizes = [self._of_sizes(number) for number, _ in numbers]
        shares = generators.uniform((len(numbers),)).tolist()
        sizes = [size_at(of_size, share) for of_size, share in zip(of_sizes, shares, strict=True)]
        width = max(sizes)
        starts = np.zeros((len(numbers), width * (width + 1) // 2), np.int64)
        for row, size in zip(starts, sizes, strict=True):
            row[: size * (size + 1) // 2] = self.request.start(size, self.model.process.mask_state)
        told = None if self.wanted is None else self.wanted.rows([number for number, _ in numbers])
        condition = GraphSizes(torch.tensor(sizes), width, told).to(self.device)
        x_1 = torch.from_numpy(starts).to(self.device)
        steps: list[CategoricalStep] = []
        mask, twice = condition.mask, self.guidance not in (0, -1)
        bounded = isinstance(self.solver, EntropyBounded)
        # A grid takes each sample as far as its own entries need.
        hidden = ((x_1 == self.model.process.mask_state) & mask).sum(1)
        used = torch.zeros_like(hidden) if bounded else hidden.clamp(max=len(self.times) - 1)
        denoiser = self._of_open(condition, used) if bounded else self._denoiser(condition)
        states = self.solver.sample(
            denoiser,
            self.model.process,
            self.times,
            x_1,
            generators,
            mask,
            steps.append if self.trajectory else None,
        )
        bounds = self._bounds(states, sizes, of_sizes, generators, condition) if self.log_prob else None
        num_evaluations = used.tolist()
        ends = [size * (size + 1) // 2 for size in sizes]
        rows = states.cpu().numpy()
        way = np.stack([step.x_t.cpu().numpy() for step in steps]).astype(np.int8) if steps else None
        return [
            DrawnGraph(
                rows[k, :end],
                num_evaluations[k] * (2 if twice else 1),
                None if bounds is None else bounds[k],
                None if way is None else way[:, k, :end],
            )
            for k, end in enumerate(ends)
        ]

    def _denoiser(self, condition: GraphSizes) -> CategoricalDenoiser:
        denoiser = self.model.denoiser(condition)
        if self.guidance:
            denoiser = classifier_free(denoiser, self.model.denoiser(condition.told(None)), self.guidance)
        if self.constrained is not None:
            denoiser = only_possible(denoiser, self.constrained, condition)
        return denoiser

    def _of_open(self, condition: GraphSizes, used: Tensor) -> CategoricalDenoiser:
        """The denoiser of those samples that still have masked entries, for each of which `used` is raised by one."""

        def of_open(x_t: Tensor, t: Tensor) -> Tensor:
            is_open = (x_t == self.model.process.mask_state).any(1)
            used.add_(is_open)
            if bool(is_open.all()):
                return self._denoiser(condition)(x_t, t)
            found = self._denoiser(condition.rows(is_open))(x_t[is_open], t[is_open])
            logits = found.new_zeros(len(x_t), *found.shape[1:])
            logits[is_open] = found
            return logits

        return of_open

    def _of_sizes(self, number: int) -> np.ndarray:
        """Probability of 0, 1, 2, ... heavy atoms of a molecule."""
        return self.request.sizes if self.wanted is None else self.wanted.sizes(number, self.request.sizes)

    def _bounds(
        self,
        states: Tensor,
        sizes: list[int],
        of_sizes: list[np.ndarray],
        generators: Generators,
        condition: GraphSizes,
    ) -> list[float]:
        found = log_prob_bound(
            self.model.denoiser(condition),
            self.model.process,
            states.clamp_min(0),
            generators,
            condition.mask,
        )
        return [
            float(bound) + float(np.log(of_size[size]))
            for bound, size, of_size in zip(found, sizes, of_sizes, strict=True)
        ]


def log_num_numberings(state: np.ndarray, alphabet: Alphabet) -> float:
    """Log of the number of states that are this graph with its atoms numbered otherwise: N! over its automorphisms."""
    matrix = matrix_of(state)
    mol = Chem.RWMol()
    for label in matrix.diagonal():
        atom = Chem.Atom(alphabet.kinds[label].element)
        atom.SetIsotope(int(label) + 1)  # tells charges apart too
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    orders = (Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE)
    for a, b in zip(*np.nonzero(np.tril(matrix, -1)), strict=True):
        mol.AddBond(int(a), int(b), orders[matrix[a, b] - 1])
    num = len(mol.GetSubstructMatches(mol, uniquify=False, maxMatches=10**6))
    return float(np.log(np.arange(1, len(matrix) + 1)).sum() - np.log(max(1, num)))
