"""A compiled denoiser gives the numbers of the plain one; "aot_eager" traces all of it without a C++ compiler."""

import pytest
import torch

from molediff.core.density.compiled_denoiser import CompiledDenoiser
from molediff.core.density.divergence import ExactTrace, denoised_with_trace
from molediff.core.density.likelihood import GaussLegendre, log_prob
from molediff.core.generators import Generators
from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.networks.equivariant import EquivariantNetwork


def model_of(num_blocks: int) -> DiffusionModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = EquivariantNetwork(
            channels=8, vector_channels=4, pair_channels=4, num_blocks=num_blocks, num_heads=2, num_basis=4,
            chiral=False, local_std=0.1,
        )  # fmt: skip
    return DiffusionModel(network, CosineVP(), V(), ZeroCentreOfMass(), 1.8).eval().requires_grad_(False)


@pytest.fixture(scope="module", name="model")
def _model() -> DiffusionModel:
    return model_of(num_blocks=1)


def states(num: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(num)
    x = ZeroCentreOfMass().sample(
        (num, 4, 3), Generators([num] * num, [(i, 0) for i in range(num)]), dtype=torch.float32
    )
    return x, 0.1 + 0.8 * torch.rand(num, generator=generator)


# torch's C++ for processors without vector instructions names a header that it does not bring.
cannot_compile = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() == "DEFAULT",
    reason="torch compiles for no processor of this kind",
)


@pytest.mark.parametrize(
    ("backend", "num_blocks"),
    [("aot_eager", 2), pytest.param("inductor", 1, marks=[pytest.mark.slow, cannot_compile])],
)
def test_estimates_and_traces_are_those_of_the_plain_denoiser(backend, num_blocks):
    model = model_of(num_blocks)
    plain = model.denoiser()
    compiled = CompiledDenoiser(plain, model.space, num_rows=8, backend=backend)
    for num in (3, 20):  # neither is a whole number of blocks
        x, t = states(num)
        torch.testing.assert_close(compiled(x, t), plain(x, t), rtol=1e-4, atol=1e-5)
        directions = ExactTrace().directions(x, model.space, None, None)
        expected = denoised_with_trace(plain, x, t, directions, model.space, None)
        for found, value in zip(
            denoised_with_trace(compiled, x, t, directions, model.space, None), expected, strict=True
        ):
            torch.testing.assert_close(found, value, rtol=1e-4, atol=1e-5)


def test_one_compilation_serves_every_number_of_samples(model):
    calls = []

    def counting(graph, example_inputs):
        calls.append([tuple(example.shape) for example in example_inputs if example.dim() > 1])
        return graph.forward

    compiled = CompiledDenoiser(model.denoiser(), model.space, num_rows=8, backend=counting)
    for num in (1, 8, 20):
        compiled(*states(num))
    assert len(calls) == 1
    assert (8, 4, 3) in calls[0]


def test_log_densities_are_those_of_the_plain_denoiser(model):
    x, _ = states(5)
    plain = model.denoiser()
    compiled = CompiledDenoiser(plain, model.space, num_rows=4, backend="aot_eager")
    found, expected = (
        log_prob(denoiser, model.path, x, space=model.space, solver=GaussLegendre(4, 1)).log_prob
        for denoiser in (compiled, plain)
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_a_mask_is_refused(model):
    x, t = states(2)
    compiled = CompiledDenoiser(model.denoiser(), model.space, backend="aot_eager")
    mask = torch.ones(2, 4, dtype=torch.bool)
    with pytest.raises(ValueError, match="knows no mask"):
        denoised_with_trace(compiled, x, t, x[None], model.space, mask)


def test_without_a_compiler_it_says_so(model, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"C\+\+ compiler"):
        CompiledDenoiser(model.denoiser(), model.space)
