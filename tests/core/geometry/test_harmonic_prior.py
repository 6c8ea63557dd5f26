"""The harmonic prior: the law of its noise in closed form, what it commutes with, and diffusion in its coordinates."""

from dataclasses import dataclass, replace

import pytest
import torch
from core.exact import gaussian
from e3nn import o3
from torch import Tensor, nn

from molediff.core.geometry.harmonic_prior import HarmonicPrior
from molediff.core.geometry.kabsch import kabsch
from molediff.core.geometry.space import FullSpace, ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP, expand_like
from molediff.core.solvers import Heun, uniform_lambda
from molediff.core.target import Sample

RIDGE = 0.02


@dataclass
class Bonds:
    """Graphs of which only the bonds are known."""

    bonded: Tensor
    mask: Tensor


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def graphs(*molecules: tuple[int, list[tuple[int, int]]]) -> Bonds:
    """One padded batch of graphs (number of points, bonds)."""
    most = max(num for num, _ in molecules)
    bonded = torch.zeros(len(molecules), most, most, dtype=torch.bool)
    for i, (_, bonds) in enumerate(molecules):
        for a, b in bonds:
            bonded[i, a, b] = bonded[i, b, a] = True
    return Bonds(bonded, torch.stack([torch.arange(most) < num for num, _ in molecules]))


CHAIN = (4, [(0, 1), (1, 2), (2, 3)])
RING = (6, [(i, (i + 1) % 6) for i in range(6)])
FRAGMENTS = (6, [(0, 1), (1, 2), (0, 2), (3, 4)])  # the last point has no bond at all
ALONE = (1, [])
ALL = graphs(CHAIN, RING, FRAGMENTS, ALONE)


def centring(num: int) -> Tensor:
    return torch.eye(num) - 1 / num


def stiffness(num: int, bonds: list[tuple[int, int]]) -> Tensor:
    """L + ridge in the space of zero centre of mass, spring by spring."""
    matrix = RIDGE * centring(num)
    for a, b in bonds:
        spring = torch.zeros(num)
        spring[a], spring[b] = 1.0, -1.0
        matrix = matrix + spring.outer(spring)
    return matrix


@pytest.mark.parametrize("index", range(3), ids=["chain", "ring", "fragments"])
def test_root_is_that_of_the_inverse_laplacian_with_unit_mean_variance(index):
    num, bonds = (CHAIN, RING, FRAGMENTS)[index]
    code = HarmonicPrior(RIDGE).attach(None, ALL)
    root, inverse = code.root[index, :num, :num], code.inverse[index, :num, :num]
    covariance = torch.linalg.pinv(stiffness(num, bonds))
    torch.testing.assert_close(root @ root.T, covariance * (num - 1) / covariance.trace())
    torch.testing.assert_close(root, root.T)
    torch.testing.assert_close(inverse @ root, centring(num))
    assert code.root[index, num:].count_nonzero() == code.inverse[index, :, num:].count_nonzero() == 0


def test_a_single_point_has_no_noise():
    code = HarmonicPrior(RIDGE).attach(None, ALL)
    assert code.root[3].count_nonzero() == code.inverse[3].count_nonzero() == 0


def test_all_bonds_alike_is_the_plain_noise():
    every = graphs((5, [(a, b) for a in range(5) for b in range(a)]))
    torch.testing.assert_close(HarmonicPrior(RIDGE).attach(None, every).root[0], centring(5))


def test_sampled_noise_has_the_covariance_of_the_polymer():
    code = HarmonicPrior(RIDGE).attach(None, graphs(FRAGMENTS))
    z = torch.randn(40_000, 6, 3, generator=torch.Generator().manual_seed(0))
    x = code.to_points(ZeroCentreOfMass().project(z))
    covariance = torch.einsum("nia,nja->ij", x, x) / (3 * len(x))
    assert covariance.trace() / 5 == pytest.approx(1.0, abs=0.02)
    torch.testing.assert_close(covariance, code.root[0] @ code.root[0], rtol=0, atol=0.02)
    bond, apart = (x[:, 0] - x[:, 1]).square().mean(), (x[:, 0] - x[:, 3]).square().mean()
    assert bond < 0.1 * apart


def test_neither_padding_nor_mates_nor_copies_change_it():
    prior = HarmonicPrior(RIDGE)
    together, alone = prior.attach(ALL, ALL), prior.attach(None, graphs(CHAIN))
    torch.testing.assert_close(together.root[:1, :4, :4], alone.root)

    class Copied:
        def repeat(self, k):
            return f"{k} copies"

    copies = replace(together, encoding=Copied()).repeat(3)
    assert copies.encoding == "3 copies"
    assert torch.equal(copies.root[3:6], together.root[1].expand(3, 6, 6))
    assert torch.equal(copies.mask[3:6], ALL.mask[1].expand(3, 6))


# In a model -------------------------------------------------------------------------------------------------------


class ExactPolymer(nn.Module):
    """The exact denoiser, stated for points, of x_0 ~ N(0, `data`) under the noise covariance `noise`, both (N, N)."""

    def __init__(self, data: Tensor, noise: Tensor, path: CosineVP):
        super().__init__()
        self.data, self.noise, self.path = data, noise, path

    def forward(self, x: Tensor, lambda_: Tensor, condition: Bonds) -> Tensor:
        t = self.path.t_of_lambda(lambda_)
        alpha, sigma = expand_like(self.path.alpha(t), x), expand_like(self.path.sigma(t), x)
        x_t = x * expand_like(self.path.spread(t), x)
        of_x_t = alpha**2 * self.data + sigma**2 * self.noise
        return alpha * self.data @ torch.linalg.pinv(of_x_t, hermitian=True) @ x_t


def polymer_model(scale: float = 1.0) -> tuple[DiffusionModel, Bonds, Tensor]:
    graph, path, prior = graphs(CHAIN), CosineVP(), HarmonicPrior(RIDGE)
    mixing = centring(4) @ torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
    data, root = mixing @ mixing.T, prior.attach(None, graph).root[0]
    network = ExactPolymer(data, root @ root, path)
    return DiffusionModel(network, path, Sample(), ZeroCentreOfMass(), scale, prior), graph, data


def test_network_sees_points_and_the_denoiser_is_that_of_z():
    model, graph, data = polymer_model()
    code = model.encode(graph)
    z_t = torch.randn(7, 4, 3, generator=torch.Generator().manual_seed(0))
    z_t = model.space.project(z_t)
    whitened = code.inverse[0] @ data @ code.inverse[0]
    exact = gaussian(model.path, torch.zeros(4).tolist(), whitened.tolist())
    for t in (0.1, 0.5, 0.9):
        times = torch.full((7,), t)
        of_z = torch.stack([exact.denoiser(z_t[..., axis], times) for axis in range(3)], dim=-1)
        torch.testing.assert_close(model.denoiser(graph)(z_t, times), of_z, rtol=0, atol=1e-7)


def test_samples_have_the_covariance_of_the_data():
    """The probability-flow ODE of a normal is linear: its image of the unit vectors gives the covariance exactly."""
    model, graph, data = polymer_model(scale=1.7)
    code, path = model.encode(graph), model.path
    z_1 = model.space.project(torch.eye(4).unsqueeze(-1))
    z_0 = Heun().sample(model.denoiser(graph), path, uniform_lambda(path, 300), z_1, space=model.space)
    images = model.to_data(z_0, code)[..., 0]
    torch.testing.assert_close(images.T @ images, data * 1.7**2, rtol=0, atol=5e-3)


def test_data_units_and_back():
    model, graph, _ = polymer_model(scale=1.7)
    x = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0))
    code = model.encode(graph)
    torch.testing.assert_close(model.to_data(model.from_data(x, code), code), model.space.project(x))


def test_rotations_and_permutations_carry_over():
    prior, x = HarmonicPrior(RIDGE), torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(0))
    rotation, order = o3.rand_matrix(), torch.tensor([3, 0, 5, 1, 4, 2])
    graph = graphs(FRAGMENTS)
    moved = Bonds(graph.bonded[:, order][:, :, order], graph.mask)
    z = prior.attach(None, graph).from_points(x)
    torch.testing.assert_close(
        prior.attach(None, moved).from_points((x @ rotation.T)[:, order]), (z @ rotation.T)[:, order]
    )
    torch.testing.assert_close(
        kabsch(z, z @ rotation.T)[0], rotation
    )  # so that an alignment of z is one of the points


def test_an_earlier_estimate_is_shown_as_points():
    class Recorder(nn.Module):
        def forward(self, x, lambda_, condition, previous):
            self.previous = previous
            return x

    network, graph = Recorder(), graphs(CHAIN)
    model = DiffusionModel(network, CosineVP(), Sample(), ZeroCentreOfMass(), prior=HarmonicPrior(RIDGE))
    z = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0))
    model.predict(z, torch.full((1,), 0.5), graph, previous=z)
    torch.testing.assert_close(network.previous, model.to_data(z, model.encode(graph)))


def test_what_a_prior_cannot_do_is_refused():
    with pytest.raises(ValueError, match="must be positive; got 0"):
        HarmonicPrior(0.0)
    with pytest.raises(ValueError, match="take ZeroCentreOfMass"):
        DiffusionModel(nn.Identity(), CosineVP(), Sample(), FullSpace(), prior=HarmonicPrior())
    model, _, _ = polymer_model()
    with pytest.raises(ValueError, match="the condition is NoneType: give a GraphBatch"):
        model.denoiser(None)
