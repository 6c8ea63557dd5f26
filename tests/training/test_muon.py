"""Muon."""

import pytest
import torch
from torch import nn

from molediff.training.muon import Muon, orthogonalized


@pytest.mark.parametrize("shape", [(24, 24), (16, 64), (3, 64, 16)])
def test_singular_values_come_near_one_and_their_vectors_stay(shape):
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(*shape, generator=generator, dtype=torch.float64)
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    a = u @ torch.diag_embed(s.clamp_min(0.1 * float(s.max()))) @ vh
    values = u.mT @ orthogonalized(a) @ vh.mT
    diagonal = values.diagonal(dim1=-2, dim2=-1)
    assert bool(((diagonal > 0.6) & (diagonal < 1.3)).all())
    torch.testing.assert_close(values, torch.diag_embed(diagonal), atol=1e-9, rtol=0)


def test_a_matrix_of_zeros_stays_one():
    assert not orthogonalized(torch.zeros(16, 16)).any()


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(20, 32), nn.Linear(32, 64), nn.SiLU(), nn.Linear(64, 1))


def test_only_weights_of_wide_layers_take_orthogonal_steps():
    trained = network()
    before = [p.detach().clone() for p in trained.parameters()]
    optimizer = Muon(trained, lr=1e-2)
    trained(torch.arange(20)).square().sum().backward()
    optimizer.step()
    moved = [after - p for after, p in zip(trained.parameters(), before, strict=True)]
    singular = torch.linalg.svdvals(moved[1].detach())
    expected = 0.2 * 8 * 1e-2
    assert float(singular.max()) < 1.3 * expected
    assert len(optimizer.param_groups[0]["params"]) == 1
    for step in (
        moved[0],
        moved[2],
        moved[3],
        moved[4],
    ):  # the first step of Adam is the sign of the gradient
        torch.testing.assert_close(step.detach().abs(), torch.full_like(step, 1e-2), atol=1e-4, rtol=0)


def test_it_learns():
    trained, optimizer = network(), None
    target = torch.randn(20, 1, generator=torch.Generator().manual_seed(1))
    optimizer = Muon(trained, lr=1e-2, weight_decay=1e-4)
    losses = []
    for _ in range(100):
        loss = optimizer.step(lambda: backward(trained, target, optimizer))
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


def backward(trained: nn.Module, target: torch.Tensor, optimizer: torch.optim.Optimizer) -> torch.Tensor:
    optimizer.zero_grad()
    loss = (trained(torch.arange(20)) - target).square().mean()
    loss.backward()
    return loss


def test_it_goes_on_from_its_state():
    target = torch.randn(20, 1, generator=torch.Generator().manual_seed(1))
    ends = []
    for stops in (False, True):
        trained = network()
        optimizer = Muon(trained, lr=1e-2)
        for step in range(6):
            if stops and step == 3:
                state = optimizer.state_dict()
                optimizer = Muon(trained, lr=1e-2)
                optimizer.load_state_dict(state)
            backward(trained, target, optimizer)
            optimizer.step()
        ends.append([p.detach().clone() for p in trained.parameters()])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
