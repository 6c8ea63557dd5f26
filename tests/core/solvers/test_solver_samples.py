"""What every solver does with each sample: batch mates, precision, NaN, padding, random numbers."""

import math

import pytest
import torch
from core.all_solvers import SOLVERS
from core.exact import (
    gaussian,
    generators,
    random_mixture,
    started,
)

from molediff.core.geometry.space import FullSpace, ZeroCentreOfMass
from molediff.core.paths import CosineVP
from molediff.core.solvers import (
    DDIM,
    Ancestral,
    Churn,
    Dopri5,
    DPMSolverPP2M,
    DPMSolverPP2S,
    DPMSolverPP3M,
    EulerMaruyama,
    Heun,
    Inpainting,
    PredictorCorrector,
    SDEDPMSolverPP2M,
    uniform_lambda,
    uniform_t,
    with_final_denoising,
)


@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
def test_a_sample_is_the_same_alone_and_in_a_batch(solver):
    path, data = CosineVP(), random_mixture(CosineVP(), 3, 4)
    x_1 = started(data, path, 5)
    times = uniform_lambda(path, 10)
    batch = solver.sample(data.denoiser, path, times, x_1, generators(5))
    alone = solver.sample(data.denoiser, path, times, x_1[3:4], generators(1, first=3))
    torch.testing.assert_close(alone, batch[3:4], rtol=0, atol=1e-10)


@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
def test_float32_is_near_float64(solver):
    """The same noise in both precisions: 40 steps lose no more than 3e-4 (dopri5: its tolerance)."""

    class SameNoise(FullSpace):
        def sample(self, shape, generators=None, mask=None, device=None, dtype=None):
            return super().sample(shape, generators, mask, device, torch.float64).to(dtype)

    path, data = CosineVP(), gaussian(CosineVP(), [1.0, -0.5], [[0.5, 0.3], [0.3, 0.4]])
    single = data.__class__(data.weights.float(), data.means.float(), data.covariances.float(), path)
    steps = 4 if isinstance(solver, Dopri5) else 40
    x_1, times = started(data, path, 20), uniform_lambda(path, steps)
    exact = solver.sample(data.denoiser, path, times, x_1, generators(20), SameNoise())
    x = solver.sample(single.denoiser, path, times.float(), x_1.float(), generators(20), SameNoise())
    assert x.dtype == torch.float32
    tolerance = 1e-3 if isinstance(solver, Dopri5) else 3e-4
    torch.testing.assert_close(x.double(), exact, rtol=0, atol=tolerance)


@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
def test_nan_from_the_network_stops_that_sample_alone(solver):
    path, data = CosineVP(), random_mixture(CosineVP(), 3, 4)
    x_1, times, seen = started(data, path, 4), uniform_lambda(path, 8), []

    def broken(x, t):
        assert x.isfinite().all(), "a failed sample reaches the network"
        x_0_hat = data.denoiser(x, t)
        x_0_hat[2] = torch.where(t[2] < 0.5, torch.nan, x_0_hat[2])
        return x_0_hat

    with pytest.warns(UserWarning, match=r"\[2\]"):
        x = solver.sample(broken, path, times, x_1, generators(4), callback=seen.append)
    clean = solver.sample(data.denoiser, path, times, x_1, generators(4))
    others = [0, 1, 3]
    torch.testing.assert_close(x[others], clean[others], rtol=0, atol=1e-12)
    assert x[2].isnan().all()
    assert seen[0].x_t[2].isfinite().all()
    assert seen[-1].x_t[2].isnan().all()
    assert seen[-1].x_0_hat[2].isnan().all()


@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
def test_padding_is_zero_and_changes_nothing(solver):
    path, space = CosineVP(), ZeroCentreOfMass()
    denoiser = lambda x, t: 0.5 * x / (1 + x.square())  # noqa: E731
    mask = torch.arange(6)[None] < torch.tensor([4, 6])[:, None]
    x_1 = space.sample((2, 6, 3), generators(2), mask, dtype=torch.float64)
    gens = lambda: generators(2, seed=1)  # noqa: E731
    x = solver.sample(denoiser, path, uniform_lambda(path, 8), x_1, gens(), space, mask)
    alone = solver.sample(denoiser, path, uniform_lambda(path, 8), x_1[:1, :4], generators(1, seed=1), space)
    torch.testing.assert_close(x[:1, :4], alone)
    assert (x[0, 4:] == 0).all()
    assert x.sum(1).abs().max() < 1e-10


@pytest.mark.parametrize(
    ("solver", "per_step", "last"),
    [
        (Ancestral(), 1, 1),
        (DDIM(), 1, 1),
        (Heun(), 2, 1),
        (DPMSolverPP2S(), 2, 1),
        (DPMSolverPP2M(), 1, 1),
        (DPMSolverPP3M(), 1, 1),
        (PredictorCorrector(num_corrections=2), 3, 1),
        (Churn(), 2, 1),
    ],
    ids=repr,
)
def test_the_callback_counts_evaluations_and_a_last_step_to_zero_denoises(solver, per_step, last):
    path, data, seen, calls = CosineVP(), random_mixture(CosineVP(), 3, 4), [], []

    def counted(x, t):
        calls.append(float(t[0]))
        return data.denoiser(x, t)

    times = with_final_denoising(uniform_lambda(path, 6))
    x = solver.sample(counted, path, times, started(data, path, 3), generators(3), callback=seen.append)
    assert [step.num_evaluations for step in seen] == [
        *range(per_step, 6 * per_step + 1, per_step),
        6 * per_step + last,
    ]
    assert len(calls) == seen[-1].num_evaluations
    assert seen[0].t == pytest.approx(path.t_max)
    if not isinstance(solver, Churn):
        torch.testing.assert_close(x, seen[-1].x_0_hat)
        torch.testing.assert_close(seen[3].x_0_hat, data.denoiser(seen[3].x_t, times[3].expand(3)))


def test_global_random_state_is_left_alone():
    path, data = CosineVP(), random_mixture(CosineVP(), 3, 4)
    before = torch.get_rng_state()
    Ancestral().sample(data.denoiser, path, uniform_t(path, 5), started(data, path, 3), generators(3))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: EulerMaruyama(-0.1), "-0.1"),
        (lambda: DDIM(1.5), "EulerMaruyama"),
        (lambda: DDIM(math.nan), "nan"),
        (lambda: SDEDPMSolverPP2M(-1.0), "-1.0"),
        (lambda: DPMSolverPP2M(cooling=-0.1), "-0.1"),
        (lambda: DPMSolverPP2M(cooling=math.inf), "finite"),
        (lambda: DPMSolverPP2M(cooling=None), "cooling .* got None"),
        (lambda: DPMSolverPP2M(0.5, cooled_from=math.nan), "cooled_from .* got nan"),
        (lambda: DPMSolverPP2M(0.5, cooled_from=None), "cooled_from .* got None"),
        (lambda: Churn(-1.0), "s_churn"),
        (lambda: Churn(ode=Ancestral()), "ODE"),
        (lambda: PredictorCorrector(step_size=0.0), "step_size"),
        (lambda: Dopri5(rtol=0.0), "rtol"),
        (lambda: Inpainting(torch.zeros(1), torch.zeros(1).bool(), num_repeats=0), "num_repeats"),
    ],
)
def test_impossible_settings_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
