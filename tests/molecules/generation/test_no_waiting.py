"""Between evaluations of the network nothing asks for a number on the device: a GPU would be waited for.

Tensors of the device "meta" have no numbers, so that whoever asks for one raises.
"""

from contextlib import nullcontext

import pytest
import torch
from core.all_solvers import ODE_SOLVERS, STOCHASTIC_SOLVERS
from fake_generators import options, random_weights
from torch.utils._python_dispatch import TorchDispatchMode

from molediff.core.discrete import CategoricalModel, Revealing, uniform_grid
from molediff.core.geometry.space import FullSpace, ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.core.paths import CosineVP, SquareRootVP
from molediff.core.solvers import Dopri5, central_lambda, with_final_denoising
from molediff.core.solvers.run import SolverRun
from molediff.core.target import V
from molediff.molecules.generation.sampler import Sampler
from molediff.molecules.graph.graph import collate
from molediff.molecules.graph.inputs import prepare, sample_generators
from molediff.networks.equivariant import EquivariantNetwork
from molediff.networks.graph import NODE_CARDINALITIES, PAIR_CARDINALITIES
from molediff.networks.graph_denoiser import GraphDenoiser, GraphSizes
from molediff.networks.heavy_atoms import HeavyAtomNetwork
from molediff.networks.labels import Labels
from molediff.networks.unet import UNet
from molediff.sampling.draw import draw, start_noise
from molediff.sampling.seeds import numbered_generators

SMILES = ["CCO", "C[C@H](O)C(N)=O", "CC(C)(C)C"]
ON_GRIDS = [solver for solver in [*ODE_SOLVERS, *STOCHASTIC_SOLVERS] if not isinstance(solver, Dopri5)]
"""Dopri5 looks at its error at every step, as adaptive solvers do."""


class Waiting(TorchDispatchMode):
    """Notes copies from the CPU that wait for the device."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        moved = isinstance(out, torch.Tensor) and out.device.type == "meta" and out.ndim > 0
        from_cpu = any(isinstance(a, torch.Tensor) and a.device.type == "cpu" and a.ndim > 0 for a in args)
        if moved and from_cpu and not kwargs.get("non_blocking", False):
            self.waits.append(str(func))
        return out


@pytest.fixture(autouse=True)
def _ends_stay_on_the_device(monkeypatch):
    """What comes after the last step may wait."""
    monkeypatch.setattr(SolverRun, "finish", SolverRun.shown)
    monkeypatch.setattr(Sampler, "_cut", lambda self, *rest: None)
    monkeypatch.setattr(torch, "autocast", lambda *rest, **words: nullcontext())
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda device: False)  # which knows no device "meta"


def test_a_number_that_is_asked_for_raises():
    with pytest.raises(RuntimeError, match="meta"):
        bool(torch.ones(3, device="meta").all())


@pytest.mark.parametrize("solver", ON_GRIDS, ids=repr)
def test_batches_of_molecules_are_drawn_without_waiting(solver):
    sampler = Sampler(random_weights().to("meta"), options(solver=solver), torch.device("meta"), False)
    molecules = [prepare(smiles) for smiles in SMILES]
    generators = sample_generators(0, [(m.key, range(2)) for m in molecules])
    sampler.draw([m.graph for m in molecules], [2, 2, 2], generators)


def no_waits_within(model, encoded, shape, mask=None):
    """Draw from `model` with noise on the way."""
    times = with_final_denoising(central_lambda(model.path, 3))
    generators = numbered_generators(1, range(shape[0]))
    denoiser = model.denoiser_of(encoded)
    x_1 = start_noise(model, times, shape[1:], generators, mask, "meta")
    with torch.no_grad(), Waiting() as waiting:
        draw(model, STOCHASTIC_SOLVERS[0], times, denoiser, x_1, generators, mask)
    assert waiting.waits == []


def test_conformers_and_particles_are_drawn_without_waiting():
    batch = collate([prepare(smiles).graph for smiles in SMILES])
    model = random_weights()
    encoding = model.encode(batch)
    no_waits_within(model.to("meta"), moved(encoding), (3, batch.mask.shape[1], 3), batch.mask.to("meta"))
    network = EquivariantNetwork(channels=16, vector_channels=8, pair_channels=8, num_blocks=1, chiral=False)
    no_waits_within(DiffusionModel(network.to("meta"), CosineVP(), V(), ZeroCentreOfMass()), None, (3, 13, 3))


def test_graphs_are_revealed_with_one_look_at_how_much_is_hidden(monkeypatch):
    looks = []
    former = torch.Tensor.tolist
    monkeypatch.setattr(
        torch.Tensor, "tolist", lambda x: looks.append(1) or [10, 6] if x.device.type == "meta" else former(x)
    )
    network = GraphDenoiser(
        num_labels=4, max_nodes=4, channels=16, pair_channels=8, num_blocks=1, num_heads=2
    )
    sizes = GraphSizes(torch.tensor([4, 3]), 4).to("meta")
    model = CategoricalModel(network.to("meta"), SquareRootVP(), network.mask_state)
    x_1 = torch.full((2, 10), network.mask_state, device="meta")
    generators = numbered_generators(1, range(2))
    with Waiting() as waiting:
        Revealing().sample(
            model.denoiser(sizes), model.process, uniform_grid(10), x_1, generators, sizes.mask
        )
    assert looks == [1]
    assert waiting.waits == []


@pytest.mark.parametrize("num_turns", [0, 2])  # contacts, which must be found, do wait
def test_a_network_of_heavy_atoms_does_not_wait(num_turns: int):
    batch = collate([prepare(smiles).graph for smiles in SMILES])
    network = HeavyAtomNetwork(
        NODE_CARDINALITIES,
        PAIR_CARDINALITIES,
        channels=16,
        num_heads=4,
        num_blocks=2,
        vector_channels=4,
        pair_channels=8,
        num_trunk_blocks=1,
        num_turns=num_turns,
    )
    encoding = network.encode(batch)
    model = DiffusionModel(network.to("meta"), CosineVP(), V(), FullSpace())
    no_waits_within(model, moved(encoding), (3, batch.mask.shape[1], 3), batch.mask.to("meta"))


def moved(part):
    """A data class of tensors on the device without numbers."""
    if isinstance(part, torch.Tensor):
        return part.to("meta")
    if hasattr(part, "__dataclass_fields__"):
        return type(part)(**{name: moved(getattr(part, name)) for name in part.__dataclass_fields__})
    return part


def test_images_are_drawn_without_waiting():
    network = UNet(8, channels=16, num_classes=3)
    model = DiffusionModel(network.to("meta"), CosineVP(), V(), FullSpace())
    no_waits_within(model, Labels(torch.tensor([0, 1, -1], device="meta")), (3, 1, 8, 8))


def test_a_loss_is_had_without_waiting():
    batch = collate([prepare(smiles).graph for smiles in SMILES]).to("meta")
    model = random_weights().to("meta")
    x_0 = torch.zeros(*batch.mask.shape, 3, device="meta")
    eps, t = model.space.project(x_0, batch.mask), torch.full((3,), 0.5, device="meta")
    objective = DenoisingScoreMatching(model.path, model.target)
    with Waiting() as waiting:
        pred = model.predict(model.path.noised(x_0, eps, t), t, batch)
        objective.loss(pred, x_0, eps, t, batch.mask).mean().backward()
    assert waiting.waits == []
