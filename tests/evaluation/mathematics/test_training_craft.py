"""Every variant of `benchmark=training_craft` is a run of train.py with what its name says."""

from omegaconf import OmegaConf
from places import ROOT

from molediff.commands.training import compose_run
from molediff.core.objective.score_matching import Likelihood, LossEqualizing
from molediff.training.clipping import AdaptiveClipping, FixedClipping, NoiseLevelClipping
from molediff.training.schedules import Constant, Cosine, Exponential, StepDecay

EXPERIMENT = OmegaConf.load(ROOT / "configs" / "benchmark" / "training_craft.yaml")


def task_of(words):
    """The task that train.py would train with these words."""
    return compose_run([*EXPERIMENT.overrides, *words])[0]


def words_of(part, variant):
    return [*EXPERIMENT.parts[part].overrides, *EXPERIMENT.parts[part].variants[variant]]


def test_schedules():
    kinds = {"constant": Constant, "step decay": StepDecay, "exponential": Exponential, "cosine": Cosine}
    assert set(EXPERIMENT.parts.schedules.variants) == set(kinds)
    for variant, kind in kinds.items():
        assert isinstance(task_of(words_of("schedules", variant)).schedule, kind)


def test_clipping():
    for part in ("heavy tails", "outliers"):
        tasks = {variant: task_of(words_of(part, variant)) for variant in EXPERIMENT.parts[part].variants}
        assert tasks["none"].clipping == FixedClipping(float("inf"))
        assert tasks["fixed"].clipping == FixedClipping(1.0)
        assert isinstance(tasks["adaptive"].clipping, AdaptiveClipping)
        assert isinstance(tasks["by noise level"].output_clipping, NoiseLevelClipping)
        assert isinstance(tasks["none"].objective.weight, Likelihood) == (part == "heavy tails")


def test_the_equalizing_density_is_one_word():
    assert isinstance(task_of(["objective=loss_equalizing"]).objective.density, LossEqualizing)
    other = "objective.density._target_=molediff.core.objective.score_matching.LossEqualizing"
    assert isinstance(task_of(["objective=min_snr", other]).objective.density, LossEqualizing)
