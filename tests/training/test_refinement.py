"""Training on guesses."""

import dataclasses

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from molediff.core import CosineVP, DiffusionModel, LocalStrain, V, ZeroCentreOfMass
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.core.objective.time_density import LogNormalSigma
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES, GraphBatch
from molediff.networks.heavy_atoms import HeavyAtomNetwork
from molediff.networks.weights import save_weights
from molediff.training.clock import Clock
from molediff.training.draw import Batch
from molediff.training.refinement import RefinementTask, error_of_differences
from molediff.training.run import load_into
from tests.fake_generators import embedded

SCALE = 1.4


def task(
    num_draws: int = 1,
    gives_energies: bool = False,
    num_turns: int = 0,
    contact_reach: float | None = None,
    **settings,
) -> RefinementTask:
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
        gives_energies=gives_energies,
        num_turns=num_turns,
        contact_reach=contact_reach,
    )
    model = DiffusionModel(network, CosineVP(), V(), ZeroCentreOfMass(), SCALE)
    objective = DenoisingScoreMatching(model.path, model.target, density=LogNormalSigma(-2.5, 1.0))
    strain = LocalStrain(length_scale=SCALE)
    return RefinementTask(model, objective, Clock(10), num_draws=num_draws, strain=strain, **settings)


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


def test_late_guesses_are_taken_up_as_they_are_at_less_noise(monkeypatch: pytest.MonkeyPatch):
    trained, seen = task(num_draws=0, num_jumps=0, late_lambda=3.6, late_share=1.0), []
    predict = trained.model.predict
    monkeypatch.setattr(
        trained.model, "predict", lambda x, t, *rest: seen.append((x, t)) or predict(x, t, *rest)
    )
    graphs = batch()
    trained.training_step(as_batch(graphs), 0)
    [(x, t)] = seen  # without plain noise or jumps there is nothing else
    torch.testing.assert_close(trained.model.path.lambda_(t), torch.full((4,), 3.6), atol=1e-3, rtol=0)
    assert graphs.starts is not None
    guesses = trained.model.from_data(graphs.starts.flatten(0, 1), graphs.mask.repeat_interleave(2, 0))
    torch.testing.assert_close(x, trained.model.path.alpha(t)[:, None, None] * guesses, atol=1e-4, rtol=0)


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


class Springs:
    """To places in data units, (B, N, 3), with a stiffness of 1 kcal/mol/Angstrom^2."""

    def __init__(self, places: torch.Tensor, mask: torch.Tensor) -> None:
        self.places, self.mask, self.energies = places, mask, list[float]()

    def __call__(self, places: torch.Tensor, graphs: GraphBatch) -> tuple[torch.Tensor, torch.Tensor]:
        copies = len(places) // len(self.places)
        real = self.mask.repeat_interleave(copies, 0).unsqueeze(-1)
        away = (places - self.places.repeat_interleave(copies, 0)) * real
        self.energies.append(float(away.square().sum((1, 2)).mean() / 2))
        return away.square().sum((1, 2)) / 2, -away


def test_the_slope_of_the_loss_is_that_of_the_energy_per_atom():
    graphs = batch()
    assert graphs.positions is not None
    springs = Springs(graphs.positions + 0.3, graphs.mask)
    trained = task(potential=springs)
    y = torch.randn(2, 3, *graphs.positions.shape[1:], requires_grad=True)
    x_0 = torch.zeros_like(y)
    (slope,) = torch.autograd.grad(trained._strain(y, x_0, graphs, graphs.mask)[0].sum(), y)
    away = y.detach() * SCALE - springs.places.unsqueeze(1)
    expected = SCALE * away * graphs.mask[:, None, :, None] / graphs.mask.sum(1)[:, None, None, None]
    torch.testing.assert_close(slope, expected)


def test_the_value_of_the_loss_is_the_mean_size_of_the_forces():
    """Else a run whose structures fall apart would look as good as any."""
    graphs = batch()
    assert graphs.positions is not None
    springs = Springs(graphs.positions + 0.3, graphs.mask)
    y = torch.randn(2, 3, *graphs.positions.shape[1:])
    value, _ = task(potential=springs)._strain(y, torch.zeros_like(y), graphs, graphs.mask)
    away = (y * SCALE - springs.places.unsqueeze(1)) * graphs.mask[:, None, :, None]
    torch.testing.assert_close(value, away.norm(dim=-1).sum(2) / graphs.mask.sum(1)[:, None])


def test_large_forces_are_bounded_and_those_that_are_no_numbers_left_out():
    graphs = batch()
    assert graphs.positions is not None
    forces = torch.zeros(2, *graphs.positions.shape[1:])
    forces[0, 0, 0], forces[1, 1, 2] = 1e6, float("nan")
    trained = task(potential=lambda places, graphs: (places.sum((1, 2)), forces), max_force=5.0)
    y = torch.zeros(2, 1, *graphs.positions.shape[1:], requires_grad=True)
    (slope,) = torch.autograd.grad(trained._strain(y, y.detach(), graphs, graphs.mask)[0].sum(), y)
    assert float(slope[0, 0, 0, 0]) == pytest.approx(-5.0 * SCALE / int(graphs.mask[0].sum()))
    assert float(slope[1].abs().max()) == 0


def test_what_softens_forces_is_given_bounded_forces_and_the_estimates():
    graphs = batch()
    assert graphs.positions is not None
    forces = torch.zeros(2, *graphs.positions.shape[1:])
    forces[0, 0, 0] = 1e6
    given = []

    def soften(forces, places, graphs):
        given.append((forces, places))
        return 0.25 * forces

    trained = task(
        potential=lambda places, graphs: (places.sum((1, 2)), forces), max_force=4.0, softening=soften
    )
    y = torch.randn(2, 1, *graphs.positions.shape[1:], requires_grad=True)
    (slope,) = torch.autograd.grad(trained._strain(y, y.detach(), graphs, graphs.mask)[0].sum(), y)
    assert float(slope[0, 0, 0, 0]) == pytest.approx(-1.0 * SCALE / int(graphs.mask[0].sum()))
    ((bounded, places),) = given
    assert float(bounded.max()) == pytest.approx(4.0)
    torch.testing.assert_close(places, y.detach().flatten(0, 1) * SCALE)


def test_it_learns_to_go_down_a_potential():
    graphs = batch()
    springs = Springs(graphs.positions, graphs.mask)
    trained = task(num_draws=0, num_jumps=0, potential=springs, strength=10.0, share_of_square=0.0)
    optimizer = torch.optim.Adam(trained.model.parameters(), lr=2e-3)
    for _ in range(60):
        optimizer.zero_grad()
        trained.training_step(as_batch(graphs), 0).backward()
        optimizer.step()
    assert sum(springs.energies[-10:]) < 0.6 * sum(springs.energies[:10])


def test_batches_without_guesses_are_plain_denoising():
    trained = task(strength=1e-9)
    loss = trained.training_step(as_batch(dataclasses.replace(batch(), starts=None)), 0)
    assert loss.isfinite()
    assert trained.samples_seen == 2


def test_neither_guesses_nor_noise_are_refused():
    with pytest.raises(ValueError, match="num_starts of the data and num_draws are both 0"):
        task(num_draws=0).training_step(as_batch(dataclasses.replace(batch(), starts=None)), 0)


def test_an_optimizer_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="optimizer must be one of adamw, muon; got 'sgd'"):
        task(optimizer="sgd")


ENERGIES = st.lists(st.floats(-5, 5), min_size=4, max_size=4).map(torch.tensor)


@given(ENERGIES, st.floats(-1e3, 1e3))
def test_energies_that_differ_by_a_constant_are_right(known: torch.Tensor, constant: float):
    known = known.double()
    error = error_of_differences((known + constant)[None], known[None])
    assert float(error) == pytest.approx(0.0, abs=1e-9)


@given(ENERGIES, ENERGIES)
def test_the_error_of_energies_is_hubers_of_their_differences(energies: torch.Tensor, known: torch.Tensor):
    error = float(error_of_differences(energies[None], known[None]))
    off = [float((energies[i] - energies[j]) - (known[i] - known[j])) for i in range(4) for j in range(4)]
    expected = sum(x * x / 2 if abs(x) < 1 else abs(x) - 0.5 for x in off) / 12
    assert error == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_what_is_not_known_or_far_too_high_does_not_count():
    known = torch.tensor([[0.0, 1.0, float("nan"), float("inf"), 400.0]])
    energies = torch.tensor([[2.0, 3.0, -7.0, 9.0, 1.0]], requires_grad=True)
    error = error_of_differences(energies, known)
    (slope,) = torch.autograd.grad(error.sum(), energies)
    assert (float(error), float(slope.abs().max())) == (0.0, 0.0)


def test_the_mean_is_that_of_what_counts():
    known = torch.tensor([[0.0, float("nan"), 5.0]])
    energies = torch.tensor([[0.0, 3.0, 5.0 + 5.0]])
    assert float(error_of_differences(energies, known)) == pytest.approx(4.5)


def test_it_learns_to_tell_energies():
    graphs = batch(0.4)
    springs = Springs(graphs.positions, graphs.mask)
    settings = {"num_draws": 0, "num_jumps": 0, "potential": springs, "strength": 0.0, "share_of_square": 0.0}
    trained = task(gives_energies=True, energy_strength=1.0, **settings)
    optimizer = torch.optim.Adam(trained.model.network.energy.parameters(), lr=3e-3)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = trained.training_step(as_batch(graphs), 0)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] > 0.1
    assert losses[-1] < 0.1 * losses[0]


def test_energies_cannot_be_learned_without_a_potential_or_by_a_network_that_has_none():
    with pytest.raises(ValueError, match="energy_strength above 0 needs a potential"):
        task(gives_energies=True, energy_strength=1.0)
    with pytest.raises(ValueError, match=r"network.gives_energies=true"):
        task(potential=lambda places, graphs: (places, places), energy_strength=1.0)


def test_weights_with_energies_begin_a_training_without_them_and_the_other_way_round(tmp_path):
    telling, plain = task(gives_energies=True).model, task().model
    for begun, weights in ((plain, telling), (telling, plain)):
        with torch.no_grad():
            for parameter in weights.parameters():
                parameter.add_(1.0)
        save_weights(tmp_path / "weights.safetensors", weights, {}, dtype=None)
        load_into(begun, tmp_path / "weights.safetensors")
        shared = begun.state_dict().keys() & weights.state_dict().keys()
        assert not any("energy" in name for name in shared)
        for name in shared:
            torch.testing.assert_close(begun.state_dict()[name], weights.state_dict()[name])


def test_weights_without_turns_and_contacts_begin_a_training_with_them_and_not_the_other_way_round(tmp_path):
    plain, turning = task().model, task(num_turns=1, contact_reach=4.5).model
    save_weights(tmp_path / "plain.safetensors", plain, {}, dtype=None)
    load_into(turning, tmp_path / "plain.safetensors")
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(turning.state_dict()[name], value)
    save_weights(tmp_path / "turning.safetensors", turning, {}, dtype=None)
    with pytest.raises(ValueError, match="do not fit the network"):
        load_into(plain, tmp_path / "turning.safetensors")
