"""Conformers that are sampled during training."""

import numpy as np
import pytest
import torch
from fake_generators import embedded, knowing

from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP, Straight
from molediff.core.solvers import DPMSolverPP2M
from molediff.core.target import Sample
from molediff.evaluation.conformers.during_training import SampledConformers
from molediff.evaluation.conformers.metrics.rmsd import rmsd_matrix

ALANINAL = "C[C@H](N)C=O"


class Spy(DPMSolverPP2M):
    """Notes where it was started."""

    def sample(self, denoiser, path, times, x_1, *more, **named):
        object.__setattr__(self, "started", (float(times[0]), x_1))
        return super().sample(denoiser, path, times, x_1, *more, **named)


@pytest.mark.parametrize("path", [CosineVP(), Straight()], ids=lambda path: type(path).__name__)
def test_noise_at_the_start_is_as_wide_as_the_path_says(path):
    """On the straight path the default grid begins at sigma = 0.953."""
    known = knowing(ALANINAL).model
    model = DiffusionModel(known.network, path, Sample(), known.space, known.scale)
    spy = Spy()
    SampledConformers([embedded(ALANINAL)], rmsd_matrix, 500, solver=spy).measure(model, torch.device("cpu"))
    time, x_1 = spy.started
    sigma = float(path.sigma(torch.tensor(time)))
    dimensions = 500 * (x_1.shape[1] - 1) * 3
    assert x_1.square().sum().div(dimensions).sqrt().item() == pytest.approx(
        sigma, rel=5 * (2 * dimensions) ** -0.5
    )


def test_the_known_geometry_has_no_error_and_its_mirror_image_wrong_stereo():
    sampled = SampledConformers([embedded(ALANINAL)], rmsd_matrix, num_samples=3)
    right = sampled.measure(knowing(ALANINAL).model, torch.device("cpu"))
    assert right["val/rmsd_all_mean"] < 1e-3
    assert right["val/wrong_stereo"] == 0.0
    mirror = torch.tensor([1.0, 1.0, -1.0])
    wrong = sampled.measure(knowing(ALANINAL, spoil=lambda x_0, x_t: x_0 * mirror).model, torch.device("cpu"))
    assert wrong["val/wrong_stereo"] == 1.0


def test_each_molecule_and_sample_has_noise_of_its_own_and_the_same_every_time():
    spy, seen = Spy(), []
    sampled = SampledConformers([embedded("CO")], rmsd_matrix, num_samples=2, solver=spy)
    for number in (0, 0, 1):
        sampled.mols = [embedded("CO")] * (number + 1)
        sampled.measure(knowing("CO").model, torch.device("cpu"))
        seen.append(spy.started[1].numpy())
    np.testing.assert_array_equal(seen[0], seen[1])
    noises = [*seen[0], *seen[2]]
    assert min(np.abs(a - b).max() for i, a in enumerate(noises) for b in noises[:i]) > 0.1
