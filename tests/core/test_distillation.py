"""A student's jumps: where they lead, against the closed form of a normal distribution."""

import math
from itertools import pairwise

import pytest
import torch
from core.exact import gaussian
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from molediff.core.distillation import Minima, Teacher, constant_estimate
from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP, expand_like
from molediff.core.solvers import (
    DDIM,
    AtLambdas,
    DPMSolverPP2M,
    EulerMaruyama,
    central_lambda,
    with_final_denoising,
)
from molediff.core.solvers.noise_level import exact_step, noise_level_at
from molediff.core.target import Sample

PATH = CosineVP()
VARIANCE = 0.3


class Exact(nn.Module):
    """The estimate of x_0 for N(0, VARIANCE): alpha v x_t / (alpha^2 v + sigma^2)."""

    def forward(self, x, lambda_, condition):
        t = PATH.t_of_lambda(lambda_)
        alpha, sigma = expand_like(PATH.alpha(t), x), expand_like(PATH.sigma(t), x)
        return alpha * VARIANCE * x / (alpha**2 * VARIANCE + sigma**2)


def make_teacher(num_steps=200, stops=(0, 80, 140), solver=None):
    model = DiffusionModel(Exact(), PATH, Sample(), FullSpace())
    times = with_final_denoising(central_lambda(PATH, num_steps - 1))
    return Teacher(model, solver or DPMSolverPP2M(), times, stops)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@settings(deadline=None)
@given(
    st.floats(-4, 4),
    st.floats(0.01, 4),
    st.sampled_from([torch.float32, torch.float64]),
    st.integers(0, 2**31),
)
def test_the_constant_estimate_undoes_the_exact_step(lambda_, h, dtype, seed):
    s, t = noise_level_at(PATH, lambda_), noise_level_at(PATH, lambda_ + h)
    x_s, x_0 = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    x_t = exact_step(x_s, x_0, s, t)[0]
    accuracy = (1e-9 if dtype == torch.float64 else 1e-5) / -math.expm1(-h) / t.alpha
    torch.testing.assert_close(constant_estimate(x_s, x_t, s, t), x_0, rtol=0, atol=10 * accuracy)


def test_the_jumps_of_a_normal_distribution_are_the_closed_form():
    """The ODE only rescales: x_t is x_s times the ratio of the standard deviations at t and s."""
    teacher = make_teacher(num_steps=2000, stops=(0, 800, 1400))
    jumps = teacher.targets(None, noise(4, 3), None)
    alpha, sigma = expand_like(PATH.alpha(jumps.t), jumps.x_0), expand_like(PATH.sigma(jumps.t), jumps.x_0)
    x = (alpha * jumps.x_0 + sigma * jumps.eps).unflatten(0, (4, 3))  # the states at the stops
    levels = [noise_level_at(PATH, lambda_) for lambda_ in teacher.lambdas]
    std = torch.tensor([math.sqrt(p.alpha**2 * VARIANCE + p.sigma**2) for p in levels], dtype=torch.float64)
    torch.testing.assert_close(x, x[:, :1] * (std / std[0])[:, None], rtol=1e-4, atol=1e-5)
    end = noise_level_at(PATH, 3.0)  # from where the teacher's last step takes off what noise is left
    variance = end.alpha**2 * VARIANCE + end.sigma**2
    last = x[:, 0] / std[0] * (end.alpha * VARIANCE / math.sqrt(variance))
    torch.testing.assert_close(jumps.x_0.unflatten(0, (4, 3))[:, -1], last, rtol=1e-4, atol=1e-5)


def test_a_student_that_answers_as_asked_ends_where_the_teacher_ends():
    teacher = make_teacher()
    x_1, num_stops = noise(6, 3), len(teacher.student_times)
    jumps = teacher.targets(None, x_1, None)
    answers = iter(jumps.x_0.unflatten(0, (6, num_stops)).unbind(1))
    times = with_final_denoising(AtLambdas(tuple(teacher.lambdas))(PATH, num_stops - 1))
    start = noise_level_at(PATH, teacher.lambdas[0]).sigma * x_1
    few = DDIM().sample(lambda x, t: next(answers), PATH, times, start)
    many = start
    for here, there in pairwise([*teacher.student_times, 200]):  # from each stop without a history
        grid = teacher.times[here : there + 1]
        many = teacher.solver.sample(teacher.model.denoiser(), PATH, grid, many)
    torch.testing.assert_close(few, many, rtol=1e-9, atol=1e-9)


def test_the_path_follows_the_student_and_the_teacher_says_how_to_go_on():
    """A student that is always wrong by 0.1: what it should have answered where it comes to is the closed form."""
    teacher = make_teacher(num_steps=2000, stops=(0, 800, 1400))
    exact = teacher.model.denoiser()
    jumps = teacher.targets(None, noise(4, 3), None, lambda x, t: exact(x, t) + 0.1)
    alpha, sigma = expand_like(PATH.alpha(jumps.t), jumps.x_0), expand_like(PATH.sigma(jumps.t), jumps.x_0)
    x = (alpha * jumps.x_0 + sigma * jumps.eps).unflatten(0, (4, 3))
    levels = [noise_level_at(PATH, lambda_) for lambda_ in [*teacher.lambdas, 3.0]]
    std = [math.sqrt(p.alpha**2 * VARIANCE + p.sigma**2) for p in levels]
    wanted = jumps.x_0.unflatten(0, (4, 3))
    for k in range(2):
        here, there, t = levels[k], levels[k + 1], jumps.t[k].expand(4)
        jumped = exact_step(x[:, k], exact(x[:, k], t) + 0.1, here, there)[0]
        torch.testing.assert_close(x[:, k + 1], jumped, rtol=1e-6, atol=1e-6)
        led = exact_step(x[:, k], wanted[:, k], here, there)[0]
        torch.testing.assert_close(led, x[:, k] * std[k + 1] / std[k], rtol=1e-3, atol=1e-4)


def test_a_student_that_answers_as_asked_makes_the_path_of_the_teacher():
    teacher, x_1 = make_teacher(), noise(4, 3)
    jumps = teacher.targets(None, x_1, None)
    answers = iter(jumps.x_0.unflatten(0, (4, 3)).unbind(1))
    followed = teacher.targets(None, x_1, None, lambda x, t: next(answers))
    torch.testing.assert_close(followed.x_0, jumps.x_0)
    torch.testing.assert_close(followed.eps, jumps.eps)


def test_what_is_asked_of_a_sample_does_not_depend_on_the_others():
    teacher, x_1 = make_teacher(num_steps=10, stops=(0, 4)), noise(5, 3)
    together = teacher.targets(None, x_1, None)
    alone = teacher.targets(None, x_1[2:3], None)
    torch.testing.assert_close(together.x_0[4:6], alone.x_0)
    assert together.t.tolist()[:2] == alone.t.tolist()


@pytest.mark.parametrize("stops", [(), (1, 4), (0, 4, 4), (0, 10), (0, 5, 3)])
def test_stops_that_make_no_grid_are_refused(stops):
    with pytest.raises(ValueError, match="ascend from 0"):
        make_teacher(num_steps=10, stops=stops)


def test_noise_that_leads_to_many_places_teaches_nothing():
    with pytest.raises(ValueError, match="one place"):
        make_teacher(solver=EulerMaruyama())


def test_a_teacher_is_gaussian_data_exactly():
    """The closed form above is that of the core's exact mixture."""
    data = gaussian(PATH, [0.0, 0.0], [[VARIANCE, 0.0], [0.0, VARIANCE]])
    x, t = noise(4, 2), torch.full((4,), 0.4, dtype=torch.float64)
    torch.testing.assert_close(make_teacher().model.denoiser()(x, t), data.denoiser(x, t))


def rotations(num, seed=0):
    normal = torch.randn(num, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    q = torch.linalg.qr(normal)[0]
    return q * torch.linalg.det(q).sign()[:, None, None]


def molecules(num=4, num_points=5, seed=1):
    x_0 = torch.randn(num, num_points, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return x_0 - x_0.mean(1, keepdim=True)


def by_stop(part, num_stops=3):
    return part.unflatten(0, (-1, num_stops)).unbind(1)


def test_the_last_stops_are_asked_for_the_minimum_turned_onto_where_the_student_ends():
    """Whose answer is always the same shape, so that its path ends there; the stops before learn from the teacher."""
    teacher, x_1, ends = make_teacher(num_steps=10, stops=(0, 4, 7)), noise(4, 5, 3), molecules()

    def student(x, t):
        return ends

    minima = Minima(ends @ rotations(4).mT, first=1, reach=1e-6)
    jumps, taught = (
        teacher.targets(None, x_1, None, student, minima),
        teacher.targets(None, x_1, None, student),
    )
    assert jumps.reached_minimum is not None
    assert jumps.reached_minimum.all()
    assert taught.reached_minimum is None
    first, *last = by_stop(jumps.x_0)
    torch.testing.assert_close(first, by_stop(taught.x_0)[0])
    for answer in last:
        torch.testing.assert_close(answer, ends)
    alpha, sigma = expand_like(PATH.alpha(jumps.t), jumps.x_0), expand_like(PATH.sigma(jumps.t), jumps.x_0)
    states = alpha * jumps.x_0 + sigma * jumps.eps
    torch.testing.assert_close(
        states, alpha * taught.x_0 + sigma * taught.eps
    )  # the student's in either case


def test_on_a_path_that_ends_elsewhere_the_teacher_says_how_to_go_on():
    teacher, x_1, x_0 = make_teacher(num_steps=10, stops=(0, 4, 7)), noise(3, 5, 3), 3 * molecules(3)
    ends = x_0.clone()
    ends[1, 0, 0] += 0.3  # one point, a little
    ends[2] *= torch.tensor([-1.0, 1.0, 1.0])  # the mirror image

    def student(x, t):
        return ends

    taught = by_stop(teacher.targets(None, x_1, None, student).x_0)
    for reach, arrived in ((0.3, [True, True, False]), (0.1, [True, False, False])):
        jumps = teacher.targets(None, x_1, None, student, Minima(x_0, 2, reach))
        assert jumps.reached_minimum is not None
        assert jumps.reached_minimum.tolist() == arrived
        *before, last = by_stop(jumps.x_0)
        torch.testing.assert_close(before, list(taught[:2]))
        torch.testing.assert_close(last[~jumps.reached_minimum], taught[2][~jumps.reached_minimum])
        torch.testing.assert_close(last[0], x_0[0])
        assert (last - taught[2])[jumps.reached_minimum].abs().amax((1, 2)).min() > 0.1


def test_padding_neither_turns_a_minimum_nor_keeps_a_path_from_coming_to_it():
    ends, rotation = molecules(3, 4), rotations(3)
    x_0 = ends @ rotation.mT
    padded = [torch.cat([x, torch.full((3, 2, 3), 9.0, dtype=x.dtype)], 1) for x in (x_0, ends)]
    mask = torch.tensor([[True] * 4 + [False] * 2] * 3)
    turned, arrived = Minima(padded[0], 1, 0.1).turned_onto(padded[1], mask)
    assert arrived.all()
    torch.testing.assert_close(turned[:, :4], ends)


def test_autocast_does_not_round_minima():
    ends = molecules().float()
    x_0 = ends @ rotations(4).mT.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        turned, arrived = Minima(x_0, 1, 1e-4).turned_onto(ends, None)
    assert arrived.all()
    torch.testing.assert_close(turned, ends, rtol=1e-5, atol=1e-5)


def test_minima_without_a_student_are_refused():
    with pytest.raises(ValueError, match="on_policy=true"):
        make_teacher().targets(None, noise(2, 4, 3), None, None, Minima(molecules(2, 4), 1, 1.0))
