"""Training with the options of the model of conformers: a harmonic prior, and self-conditioning."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from fake_generators import embedded, knowing, random_weights
from torch import Tensor

from molediff.core.geometry.harmonic_prior import HarmonicPrior
from molediff.core.model import DiffusionModel
from molediff.core.objective.coupling import Independent, RotationalAlignment
from molediff.core.objective.score_matching import DenoisingScoreMatching, Unweighted
from molediff.evaluation.conformers.during_training import SampledConformers
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix
from molediff.molecules.data.datamodule import unpack_conformers
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.networks.graph import GraphBatch
from molediff.training.clock import Clock
from molediff.training.task import DiffusionTask

SMILES = ("CCO", "C[C@H](O)C#N")


def batch() -> GraphBatch:
    return collate([mol_to_graph(embedded(smiles), -1) for smiles in SMILES])


def make_task(model: DiffusionModel, **settings: Any) -> DiffusionTask:
    objective = DenoisingScoreMatching(model.path, model.target, Unweighted(model.target))
    return DiffusionTask(model, objective, Clock(1), unpack_conformers, **settings)


@pytest.mark.parametrize("coupling", [Independent(), RotationalAlignment()])
def test_a_network_that_knows_the_points_has_no_loss_under_a_prior(coupling):
    """It sees points and answers with points: all else is done around it. Turned data it finds by fitting to x_t."""
    model = knowing(*SMILES, prior=HarmonicPrior()).model
    task = make_task(model, coupling=coupling)
    x_0, graph, mask = unpack_conformers(batch())
    t, eps = torch.full((2,), 0.01), model.space.project(torch.randn(*mask.shape, 3), mask)
    assert task._draw_losses(task.objective, x_0, graph, mask, eps, t, 1).max() < 1e-3
    assert task._draw_losses(task.objective, 1.1 * x_0, graph, mask, eps, t, 1).min() > 1e-3


@pytest.mark.parametrize("prior", [HarmonicPrior(), HarmonicPrior(1.0)])
def test_a_loss_in_points_does_not_depend_on_the_prior(prior):
    """The network answers with the points; of points a tenth larger, the squared error is that tenth's."""
    model = knowing(*SMILES, prior=prior).model
    task = make_task(model, coupling=RotationalAlignment(), loss_in_points=True)
    x_0, graph, mask = unpack_conformers(batch())
    t, eps = torch.full((2,), 0.01), model.space.project(torch.randn(*mask.shape, 3), mask)
    losses = task._draw_losses(task.objective, 1.1 * x_0, graph, mask, eps, t, 1)
    tenth = 0.1 * model.space.project(x_0, mask) / model.scale
    torch.testing.assert_close(losses, tenth.square().sum((1, 2)) / (3 * mask.sum(1)), rtol=0.05, atol=1e-4)


def test_conformers_sampled_in_training_are_in_angstrom():
    generator = knowing("CCO", prior=HarmonicPrior())
    sampled = SampledConformers([embedded("CCO")], rmsd_matrix, num_samples=3)
    assert sampled.measure(generator.model, torch.device("cpu"))["val/rmsd_all_mean"] < 1e-3


def shown(task: DiffusionTask, steps: int) -> list[Tensor | None]:
    """The estimates that the network was shown in the passes with gradients of `steps` training steps."""
    seen: list[Tensor | None] = []

    def look(network: Any, given: tuple[Any, ...]) -> None:
        if torch.is_grad_enabled():
            seen.append(given[3] if len(given) > 3 else None)

    handle = task.model.network.register_forward_pre_hook(look)
    for step in range(steps):
        task.training_step(batch(), step)
    handle.remove()
    return seen


def test_half_of_the_steps_show_an_estimate_without_gradient():
    task = make_task(random_weights(self_conditioning=True), num_draws=1)
    estimates = [previous for previous in shown(task, 24) if previous is not None]
    assert 6 <= len(estimates) <= 18
    assert not any(previous.requires_grad for previous in estimates)


def test_a_network_without_it_draws_no_coin():
    """The noise of runs without self-conditioning stays what it was: times and eps of the step, and no more."""
    task = make_task(random_weights(), num_draws=2)
    assert shown(task, 2) == [None, None]
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        task.objective.sample_times(4, generator)
        torch.randn(4, 10, 3, generator=generator)
    assert torch.equal(task.generator.get_state(), generator.get_state())


def test_the_first_pass_takes_no_gradient_from_the_second_under_autocast():
    """Autocast keeps the weights that it has cast: those cast without gradient must not serve the second pass."""
    task = make_task(random_weights(self_conditioning=True))
    x_0, graph, mask = unpack_conformers(batch())
    eps, t = task.model.space.project(torch.randn(*mask.shape, 3), mask), torch.full((2,), 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        task._draw_losses(task.objective, x_0, graph, mask, eps, t, 1, estimate_first=True).sum().backward()
    idle = [name for name, weight in task.model.named_parameters() if weight.grad is None]
    assert idle == []
