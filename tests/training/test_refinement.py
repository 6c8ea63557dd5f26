"""Training on guesses."""

import dataclasses

import pytest
import torch

from molediff.core import CosineVP, DiffusionModel, LocalStrain, V, ZeroCentreOfMass
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.core.objective.time_density import LogNormalSigma
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch
from molediff.networks.heavy_atoms import HeavyAtomNetwork
from molediff.training.clock import Clock
from molediff.training.draw import Batch
from molediff.training.refinement import RefinementTask
from tests.fake_generators import embedded

SCALE = 1.4


def task(**settings) -> RefinementTask:
    torch.manual_seed(0)
    network = HeavyAtomNetwork(
        NODE_CARDINALITIES,
        PAIR_CARDINALITIES,
        SCALE,
        32,
        16,
        16,
        16,
        num_trunk_blocks=1,
        num_blocks=2,
        num_heads=4,
    )
    model = DiffusionModel(network, CosineVP(), V(), ZeroCentreOfMass(), SCALE)
    objective = DenoisingScoreMatching(model.path, model.target, density=LogNormalSigma(-2.5, 1.0))
    strain = LocalStrain(length_scale=SCALE)
    return RefinementTask(model, objective, Clock(10), num_draws=1, strain=strain, **settings)


def batch(error: float = 0.2) -> GraphBatch:
    graphs = collate([mol_to_graph(embedded(smiles), -1) for smiles in ("CCO", "CC(N)=O")])
    assert graphs.positions is not None
    noise = torch.randn(2, 2, *graphs.positions.shape[1:], generator=torch.Generator().manual_seed(0))
    starts = (graphs.positions.unsqueeze(1) + error * noise) * graphs.mask[:, None, :, None]
    return dataclasses.replace(graphs, starts=starts)


def as_batch(graphs: GraphBatch) -> Batch:
    assert graphs.positions is not None
    return graphs.positions, graphs, graphs.mask


def test_the_first_state_is_the_guess_as_sampling_begins_with_it(monkeypatch: pytest.MonkeyPatch):
    trained, seen = task(), []
    predict = trained.model.predict
    monkeypatch.setattr(
        trained.model, "predict", lambda x, t, *rest: seen.append((x, t)) or predict(x, t, *rest)
    )
    graphs = batch()
    trained.training_step(as_batch(graphs), 0)
    x, t = seen[0]
    torch.testing.assert_close(trained.model.path.lambda_(t), torch.full((4,), 2.2), atol=1e-4, rtol=0)
    assert graphs.starts is not None
    guesses = trained.model.from_data(graphs.starts.flatten(0, 1), graphs.mask.repeat_interleave(2, 0))
    torch.testing.assert_close(x, trained.model.path.alpha(t)[:, None, None] * guesses, atol=1e-5, rtol=0)


def test_after_the_jump_there_is_less_noise(monkeypatch: pytest.MonkeyPatch):
    trained, times = task(), []
    predict = trained.model.predict
    monkeypatch.setattr(trained.model, "predict", lambda x, t, *rest: times.append(t) or predict(x, t, *rest))
    trained.training_step(as_batch(batch()), 0)
    lambdas = trained.model.path.lambda_(times[1]).view(2, 2)[:, 0]  # the second is plain noise
    assert bool(((lambdas > 2.2 + 0.69) & (lambdas < 2.2 + 2.21)).all())


def test_it_learns_to_mend_a_guess():
    trained, graphs = task(), batch()
    optimizer = torch.optim.Adam(trained.model.parameters(), lr=2e-3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = trained.training_step(as_batch(graphs), 0)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])


def test_batches_without_guesses_are_plain_denoising():
    trained = task(strength=1e-9)
    loss = trained.training_step(as_batch(dataclasses.replace(batch(), starts=None)), 0)
    assert loss.isfinite()
    assert trained.samples_seen == 2
