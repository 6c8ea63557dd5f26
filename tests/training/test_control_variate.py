"""A control variate is right for independent noise alone."""

import pytest
import torch

from molediff.core.control_variate import TargetScore
from molediff.core.coupling import Coupling, Independent, RotationalAlignment
from molediff.core.model import DiffusionModel
from molediff.core.noise import FullSpace
from molediff.core.objective import DenoisingScoreMatching
from molediff.core.path import CosineVP
from molediff.core.target import V
from molediff.training.clock import Clock
from molediff.training.task import DiffusionTask


def make_task(coupling: Coupling | None) -> DiffusionTask:
    path, target = CosineVP(), V()
    model = DiffusionModel(torch.nn.Identity(), path, target, FullSpace())
    objective = DenoisingScoreMatching(path, target, control_variate=TargetScore(torch.neg, 1.0, 1.0))
    return DiffusionTask(model, objective, Clock(1), lambda batch: (batch, None, None), coupling)


def test_independent_noise_is_the_default_and_allowed():
    assert make_task(None).coupling == make_task(Independent()).coupling


def test_a_coupling_that_ties_the_noise_to_the_data_is_refused():
    with pytest.raises(ValueError, match="take coupling=independent"):
        make_task(RotationalAlignment())
