"""How weights say that they are to be sampled."""

import numpy as np
import pytest
from fake_generators import knowing, random_weights

from molediff.core.solvers import DDIM, AtLambdas, DPMSolverPP2M
from molediff.molecules.generation.plan import SamplingPlan
from molediff.molecules.generator import ConformerGenerator

DISTILLED = {"sampling": {"solver": "ddim", "lambdas": [-3.0, 0.0, 1.5]}}


def test_weights_that_say_nothing_are_sampled_at_low_temperature_in_five_steps():
    assert SamplingPlan.of({}) == SamplingPlan("dpmpp_2m_low_temperature", 5, "central_lambda")


def test_distilled_weights_are_sampled_along_their_own_grid():
    assert SamplingPlan.of(DISTILLED) == SamplingPlan("ddim", 3, AtLambdas((-3.0, 0.0, 1.5)))


def test_what_the_caller_says_has_precedence():
    plan = SamplingPlan().with_overrides("ddim", None, "karras")
    assert plan == SamplingPlan("ddim", 5, "karras")
    assert SamplingPlan.of(DISTILLED).with_overrides(None, 7, "central_lambda") == SamplingPlan(
        "ddim", 7, "central_lambda"
    )


@pytest.mark.parametrize(
    "options", [{"num_steps": 5}, {"solver": "dpmpp_2m"}, {"solver": DPMSolverPP2M()}, {"solver": DDIM(0.5)}]
)
def test_other_steps_or_solvers_on_the_own_grid_are_refused(options):
    generator = ConformerGenerator(random_weights(), DISTILLED, device="cpu")
    with pytest.raises(ValueError, match="grid of 3 steps"):
        generator.generate("CCO", 1, **options)


def test_the_own_solver_may_be_named():
    plan = SamplingPlan.of(DISTILLED)
    assert plan.with_overrides("ddim", 3, None) == plan
    assert plan.with_overrides(DDIM(), None, None).grid == plan.grid


def test_the_generator_does_unasked_what_the_weights_say():
    generator = knowing("CCO", metadata=DISTILLED)
    result = generator.generate("CCO", 2, trajectory=True)
    assert result.status == "ok"
    assert len(result.trajectory.times) == 3
    assert result.provenance["num_steps"] == 3
    assert "1.5" in result.provenance["grid"]
    assert generator.model.network.evaluations == 3


def test_a_grid_of_ones_own_is_nobodys_distillation():
    grid = AtLambdas((-3.0, 0.0))
    assert SamplingPlan().with_overrides("dpmpp_2m", 2, grid) == SamplingPlan("dpmpp_2m", 2, grid)
    assert SamplingPlan.of(DISTILLED).with_overrides("heun", 2, grid) == SamplingPlan("heun", 2, grid)
    with pytest.raises(ValueError, match="2"):
        knowing("CCO").generate("CCO", 1, grid=grid)  # of five steps


def test_one_jump_is_a_plan_too():
    generator = knowing("CCO", metadata={"sampling": {"solver": "ddim", "lambdas": [-2.0]}})
    assert generator.generate("CCO", 1).status == "ok"
    assert generator.model.network.evaluations == 1


def test_who_is_told_to_try_more_can(monkeypatch):
    """Distilled weights have no more steps; what relaxes to something else will do so again."""
    network = {"spoil": lambda x_0, x_t: 3.0 * x_0}
    plain = knowing("CCO", **network).generate("CCO", 2, max_attempts=1).reason
    assert plain.endswith("(rejected: bond_length 2): try more num_steps or max_attempts")
    relaxed = knowing("CCO")
    monkeypatch.setattr(
        "molediff.molecules.generation.job.Job._still_good", lambda self, x: np.zeros(len(x), bool)
    )
    assert relaxed.generate("CCO", 2, relax="mmff", max_attempts=1).reason.endswith("leave relax out")
    distilled = knowing("CCO", metadata=DISTILLED, **network).generate("CCO", 2, max_attempts=1).reason
    assert distilled.endswith("(rejected: bond_length 2): try more max_attempts, or the weights 'qm9'")


def test_weights_that_refine_may_take_other_steps_from_other_starts():
    metadata = {
        "sampling": {
            "solver": "ddim",
            "lambdas": [2.2, 3.6],
            "init": "minima",
            "lambdas_by_init": {"minima": [2.2], "crystal": [2.5]},
        }
    }
    plan = SamplingPlan.of(metadata)
    assert (plan.init, plan.num_steps, plan.grid) == ("minima", 1, AtLambdas((2.2,)))
    found = {init: plan.with_overrides(None, None, None, init) for init in ("crystal", "given", "minima")}
    assert [one.grid for one in found.values()] == [
        AtLambdas((2.5,)),
        AtLambdas((2.2, 3.6)),
        AtLambdas((2.2,)),
    ]
    assert [one.num_steps for one in found.values()] == [1, 2, 1]
    assert found["given"].with_overrides(None, None, None, "minima") == plan
    for solver, num_steps, grid in (
        ("dpmpp_2m", None, None),
        (None, 20, None),
        ("heun", 20, "central_lambda"),
    ):
        with pytest.raises(ValueError, match=r"These weights refine .*leave"):
            plan.with_overrides(solver, num_steps, grid, "crystal")
    of_ones_own = plan.with_overrides("heun", 2, AtLambdas((2.0, 3.0)), "crystal")
    assert (of_ones_own.solver, of_ones_own.grid) == ("heun", AtLambdas((2.0, 3.0)))
