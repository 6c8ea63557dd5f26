"""A student learns the teacher's jumps: what counts as its loss, what is kept of the teacher, what the run repeats."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from fake_generators import embedded, random_weights
from torch import Tensor

from molediff.core.distillation import Teacher
from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching, Unweighted
from molediff.core.solvers import DDIM, DPMSolverPP2M, central_lambda, with_final_denoising
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.networks.graph import GraphBatch
from molediff.training import distillation
from molediff.training.clock import Clock
from molediff.training.distillation import DistillationTask, PathBatch
from molediff.training.draw import Batch
from molediff.training.run import train

SMILES = ("CCO", "C[C@H](O)C#N", "CC")


def batch(*smiles: str) -> GraphBatch:
    return collate([mol_to_graph(embedded(s), -1) for s in smiles or SMILES])


def batch_of(graph: GraphBatch) -> Batch:
    """As the loader yields it."""
    assert graph.positions is not None
    return graph.positions, graph, graph.mask


def by_stop(task: DistillationTask, paths: PathBatch) -> Tensor:
    """Losses (paths, stops)."""
    return task.losses(paths).unflatten(0, (-1, len(task.teacher.student_times)))


def make_teacher(model: DiffusionModel, num_steps: int = 4, stops: tuple[int, ...] = (0, 2)) -> Teacher:
    times = with_final_denoising(central_lambda(model.path, num_steps - 1))
    return Teacher(model, DPMSolverPP2M(), times, stops)


def make_task(student: DiffusionModel, teacher: Teacher, **settings: Any) -> DistillationTask:
    objective = DenoisingScoreMatching(student.path, student.target, Unweighted(student.target))
    return DistillationTask(student, teacher, objective, Clock(1), **settings)


def losses(task: DistillationTask, graph: GraphBatch, repeats: int = 1, seed: int = 0) -> Tensor:
    shape = (len(graph.mask) * repeats, graph.mask.shape[1], 3)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return by_stop(task, task.paths(batch_of(graph), noise, repeats))


def test_a_teacher_that_stops_at_every_step_is_its_own_student():
    """With DDIM each step has a constant estimate: the network's own answer."""
    model = random_weights()
    times = with_final_denoising(central_lambda(model.path, 3))
    task = make_task(model, Teacher(model, DDIM(), times, (0, 1, 2, 3)))
    assert losses(task, batch()).abs().max() < 1e-6
    other = make_task(random_weights(1), Teacher(model, DDIM(), times, (0, 1, 2, 3)))
    assert losses(other, batch()).min() > 1e-4


def test_a_molecule_alone_has_the_losses_that_it_has_among_others():
    task = make_task(random_weights(1), make_teacher(random_weights()))
    graph, alone = batch(), batch("CC")
    noise = torch.randn(3, graph.mask.shape[1], 3, generator=torch.Generator().manual_seed(0))
    together = by_stop(task, task.paths(batch_of(graph), noise, 1))
    num_atoms = alone.mask.shape[1]
    single = by_stop(task, task.paths(batch_of(alone), noise[2:, :num_atoms], 1))
    torch.testing.assert_close(together[2:], single, rtol=1e-3, atol=1e-6)


def test_every_draw_of_a_molecule_begins_with_noise_of_its_own():
    task = make_task(random_weights(1), make_teacher(random_weights()))
    found = losses(task, batch(), repeats=3)
    assert found.shape == (9, 2)
    assert len(set(found[:3, 0].tolist())) == 3


def test_only_the_student_is_trained_and_kept():
    teacher = random_weights()
    task = make_task(random_weights(1), make_teacher(teacher))
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    task.training_step(batch_of(batch()), 0).backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())
    assert set(task.state_dict()) == {f"model.{name}" for name in task.model.state_dict()}
    assert any(parameter.grad is not None for parameter in task.model.parameters())


def test_training_brings_the_student_nearer():
    torch.manual_seed(0)
    task = make_task(random_weights(1), make_teacher(random_weights()), num_draws=8)
    optimizer, before = torch.optim.Adam(task.model.parameters(), 3e-3), losses(task, batch(), 8).mean()
    for step in range(60):
        optimizer.zero_grad()
        task.training_step(batch_of(batch()), step).backward()
        optimizer.step()
    assert losses(task, batch(), 8).mean() < 0.7 * before


def test_paths_are_learned_from_again(monkeypatch):
    """Every third step makes new paths; the steps between take some of those that there are."""
    task = make_task(random_weights(1), make_teacher(random_weights()), num_uses=3)
    made, used = [], []
    make, learn = task.paths, task.losses
    monkeypatch.setattr(task, "paths", lambda *given: made.append(make(*given)) or made[-1])
    monkeypatch.setattr(task, "losses", lambda paths: used.append(paths) or learn(paths))
    monkeypatch.setattr(distillation, "REPLAY_MINIMUM", 2)
    monkeypatch.setattr(distillation, "REPLAY_CAPACITY", 3)
    for step in range(14):
        monkeypatch.setattr(DistillationTask, "global_step", step)
        task.training_step(batch_of(batch("CC")), step)
    assert len(made) == 6  # at steps 0, 1 (as there were too few), 3, 6, 9 and 12
    assert len(used) == task.samples_seen == 14
    assert all(any(paths is one for one in made) for paths in used)
    assert any(used[-1] is one for one in made[-3:])


def test_under_autocast_the_student_keeps_its_gradients():
    """Autocast keeps the weights that it has cast: a teacher that is the student's own model must not take them."""
    model = random_weights()
    task = make_task(model, make_teacher(random_weights()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = task.training_step(batch_of(batch()), 0)
    loss.backward()
    norms = [p.grad.norm() for name, p in model.named_parameters() if p.grad is not None and "film" in name]
    assert min(norms) > 0


def test_on_policy_the_student_learns_where_it_comes_to():
    """The first jump begins with noise; the second where the student, not the teacher, has jumped to."""
    teacher, student, graph = make_teacher(random_weights()), random_weights(1), batch()
    noise = torch.randn(3, graph.mask.shape[1], 3, generator=torch.Generator().manual_seed(0))
    off, on = (
        make_task(student, teacher, on_policy=on_policy).paths(batch_of(graph), noise, 1)
        for on_policy in (False, True)
    )
    torch.testing.assert_close(on.x_0[::2], off.x_0[::2])
    path, times = student.path, teacher.times[[0, 2]]
    x_1 = path.noised(on.x_0, on.eps, on.t)
    encoded = student.encode(graph)
    jumped = DDIM().sample(
        student.denoiser_of(encoded), path, times, x_1[::2], None, student.space, graph.mask
    )
    torch.testing.assert_close(x_1[1::2], jumped, rtol=1e-3, atol=1e-4)
    assert (off.x_0[1::2] - on.x_0[1::2]).abs().max() > 1e-2
    assert not on.x_0.requires_grad


def test_a_student_of_another_scale_is_refused():
    teacher = random_weights()
    teacher.scale = 1.0
    with pytest.raises(ValueError, match="same path and scale"):
        make_task(random_weights(), make_teacher(teacher))


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0]])
def test_weights_that_are_none_of_the_stops_are_refused(weights):
    with pytest.raises(ValueError, match="one for each of the stops"):
        make_task(random_weights(), make_teacher(random_weights()), weights=weights)


def test_paths_that_are_not_used_are_refused():
    with pytest.raises(ValueError, match="at least once; got 0"):
        make_task(random_weights(), make_teacher(random_weights()), num_uses=0)


def test_a_stop_of_weight_zero_teaches_nothing():
    whole = make_task(random_weights(1), make_teacher(random_weights()), weights=[0.0, 2.0])
    found, graph = whole.training_step(batch_of(batch()), 0), batch()
    noise = torch.randn(6, graph.mask.shape[1], 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(found, by_stop(whole, whole.paths(batch_of(graph), noise, 2))[:, 1].mean())


def relaxed(*smiles: str) -> GraphBatch:
    """A batch with noise of its own."""
    graph = batch(*smiles)
    noise = torch.randn(*graph.mask.shape, 3, generator=torch.Generator().manual_seed(7))
    return replace(graph, noise=noise)


def make_minima_task(reach: float = 100.0, **settings: Any) -> DistillationTask:
    teacher = make_teacher(random_weights())
    settings = {"num_draws": 1, "on_policy": True, "minima_from": 1, "reach": reach, **settings}
    return make_task(random_weights(1), teacher, **settings)


def test_a_student_learns_to_end_in_minima():
    torch.manual_seed(0)
    task, graph = make_minima_task(), relaxed()

    def last_stop() -> float:
        return float(by_stop(task, task.paths(batch_of(graph), torch.empty(0), 1))[:, -1].mean().detach())

    optimizer, before = torch.optim.Adam(task.model.parameters(), 1e-3), last_stop()
    for step in range(80):
        optimizer.zero_grad()
        task.training_step(batch_of(graph), step).backward()
        optimizer.step()
    assert last_stop() < 0.5 * before
    assert task.samples_seen == 80 * len(graph)


def test_paths_begin_with_the_noise_that_comes_along(monkeypatch):
    task, graph, used = make_minima_task(), relaxed(), []
    make = task.paths
    monkeypatch.setattr(task, "paths", lambda *given: used.append(make(*given)) or used[-1])
    losses = [task.training_step(batch_of(graph), step) for step in range(2)]
    torch.testing.assert_close(*losses)
    assert all(len(one.t) == 2 * len(graph) for one in used)
    start, path = used[0], task.model.path
    x = path.noised(start.x_0, start.eps, start.t)
    assert graph.noise is not None
    noise = task.model.space.project(graph.noise, graph.mask)
    torch.testing.assert_close(x[::2], path.sigma(start.t[0]) * noise, rtol=1e-4, atol=1e-4)


def test_on_paths_that_come_elsewhere_the_teacher_is_asked():
    near, far = (
        make_minima_task(reach).paths(batch_of(relaxed()), torch.empty(0), 1) for reach in (100.0, 1e-3)
    )
    assert near.reached_minimum is not None
    assert far.reached_minimum is not None
    assert near.reached_minimum.all()
    assert not far.reached_minimum.any()
    graph = relaxed()
    assert graph.noise is not None
    teacher = make_task(random_weights(1), make_teacher(random_weights()), on_policy=True)
    taught = teacher.paths(batch_of(graph), graph.noise, 1)
    torch.testing.assert_close(far.x_0, taught.x_0)
    torch.testing.assert_close(near.x_0[::2], taught.x_0[::2])
    assert (near.x_0 - taught.x_0)[1::2].abs().amax((1, 2)).min() > 1e-2


def test_minima_need_noise_and_a_student_on_its_own_way():
    with pytest.raises(ValueError, match="data=relaxed"):
        make_minima_task().training_step(batch_of(batch()), 0)
    for wrong in ({"on_policy": False}, {"minima_from": 2}, {"num_draws": 2}, {"num_validation_draws": 2}):
        with pytest.raises(ValueError, match="number of a stop behind the first, of 2"):
            make_minima_task(**wrong)
    with pytest.raises(ValueError, match="positive reach"):
        make_minima_task(reach=0.0)


def test_a_run_validates_on_the_same_noise_and_logs_every_stop(tmp_path, toy):
    make_toy, data = toy
    student, teacher = make_toy().model, make_toy(seed=1).model
    objective = DenoisingScoreMatching(student.path, student.target, Unweighted(student.target))

    def run(folder: str) -> dict[str, float]:
        task = DistillationTask(student, make_teacher(teacher), objective, Clock(3), learning_rate=0.0)
        return train(task, data(), tmp_path / folder, device="cpu", precision="32-true")

    first, second = run("a"), run("b")
    assert first["val/loss"] == second["val/loss"] > 0
    assert first["val/loss"] == pytest.approx((first["val/loss_stop_0"] + first["val/loss_stop_2"]) / 2)
