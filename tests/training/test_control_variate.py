"""A control variate is right for independent noise alone."""

import pytest
import torch

from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.objective.coupling import Coupling, Independent, RotationalAlignment
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.core.objective.target_score import TargetScore
from molediff.core.paths import CosineVP
from molediff.core.target import V
from molediff.training.clock import Clock
from molediff.training.task import DiffusionTask


def make_task(coupling: Coupling | None) -> DiffusionTask:
    path, target = CosineVP(), V()
    model = DiffusionModel(torch.nn.Identity(), path, target, FullSpace())
    objective = DenoisingScoreMatching(path, target, control_variate=TargetScore(torch.neg, 1.0, 1.0))
    return DiffusionTask(model, objective, Clock(1), coupling)


def test_independent_noise_is_the_default_and_allowed():
    assert make_task(None).coupling == make_task(Independent()).coupling


def test_a_coupling_that_ties_the_noise_to_the_data_is_refused():
    with pytest.raises(ValueError, match="take coupling=independent"):
        make_task(RotationalAlignment())
