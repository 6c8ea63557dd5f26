"""The molecules' network and training code learn the force of particles."""

import math

import pytest
import torch

from molediff.core.generators import Generators
from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.objective.coupling import PermutationalAlignment, RotationalAlignment, Sequential
from molediff.core.objective.score_matching import (
    DenoisingScoreMatching,
    LocalStructure,
    LogNormalSigma,
    Unweighted,
)
from molediff.core.objective.target_score import TargetScore
from molediff.core.paths import CosineVP, Straight
from molediff.core.target import Epsilon, V, Velocity, convert
from molediff.networks.equivariant import EquivariantNetwork
from molediff.particles import PairPotential
from molediff.training.clock import Clock
from molediff.training.task import DiffusionTask

SPRINGS = PairPotential(lambda r: 0.5 * r**2, num_particles=3, num_dimensions=2)
STD = 1 / math.sqrt(3)  # the sum of r^2 / 2 over the pairs is 3 / 2 of the sum of |x_i - x_cm|^2


def configurations(num: int, seed: int) -> torch.Tensor:
    """Exact samples of `SPRINGS`."""
    normal = torch.randn(num, 3, 2, generator=torch.Generator().manual_seed(seed))
    return STD * ZeroCentreOfMass().project(normal)


def trained(objective, coupling, num_steps, **network):
    torch.manual_seed(0)
    sizes = {"channels": 16, "vector_channels": 8, "pair_channels": 8, "num_blocks": 2, "num_heads": 2}
    module = EquivariantNetwork(
        **sizes, num_basis=12, cutoff=5.0, basis_power=1.0, chiral=False, length_scale=STD, **network
    )
    model = DiffusionModel(module, objective.path, objective.target, ZeroCentreOfMass(), STD)
    task = DiffusionTask(model, objective, Clock(num_steps), coupling, num_draws=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for step in range(num_steps):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 - step / num_steps)
        optimizer.zero_grad()
        loss = task.training_step((configurations(128, step), None, None), step)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return model, losses


def test_learns_the_exact_score_where_forces_leave_no_noise():
    """For springs the control variate cancels all noise of the target, so that a hundred steps are enough."""
    objective = DenoisingScoreMatching(
        CosineVP(),
        V(),
        LocalStructure(1.0),
        LogNormalSigma(0.0, 1.5),
        TargetScore(SPRINGS.force, STD, local_std=1.0),
    )
    model, losses = trained(objective, None, 100, local_std=1.0)
    assert losses[-1] < 0.05 * losses[0]
    x = configurations(200, 999) / STD
    for lambda_ in (-1.0, 1.0, 4.0):
        t = model.path.t_of_lambda(torch.full((200,), lambda_))
        noise = ZeroCentreOfMass().sample(x.shape, Generators(range(200)))
        x_t = objective.path.noised(x, noise, t)
        with torch.no_grad():
            eps = convert(model.predict(x_t, t), x_t, t, model.path, model.target, Epsilon())
        exact = model.path.sigma(t)[:, None, None] * x_t  # data and noise of unit variance: so is x_t
        error = (eps - exact).square().sum() / exact.square().sum()
        assert error < 0.05, lambda_


def test_equivariant_transport_leaves_the_flow_less_to_learn():
    objective = DenoisingScoreMatching(Straight(), Velocity(), Unweighted(Velocity()))
    coupling = Sequential((PermutationalAlignment(), RotationalAlignment()))
    _, transported = trained(objective, coupling, 25)
    _, independent = trained(objective, None, 25)
    assert sum(transported[-10:]) < 0.5 * sum(independent[-10:])


@pytest.mark.parametrize("num_dimensions", [2, 3])
def test_rotational_alignment_turns_back_what_was_turned(num_dimensions):
    generator = torch.Generator().manual_seed(num_dimensions)
    x = ZeroCentreOfMass().project(torch.randn(4, 6, num_dimensions, generator=generator))
    q = torch.linalg.qr(torch.randn(4, num_dimensions, num_dimensions, generator=generator))[0]
    q[:, :, 0] = q[:, :, 0] * torch.linalg.det(q).sign()[:, None]
    torch.testing.assert_close(RotationalAlignment()(x @ q.mT, x), x, atol=1e-5, rtol=0)
