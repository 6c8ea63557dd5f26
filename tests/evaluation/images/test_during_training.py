"""The grid of images that is sampled during training."""

from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

from molediff.core.geometry.space import FullSpace
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP, Straight
from molediff.core.solvers import DPMSolverPP2M
from molediff.core.target import V
from molediff.evaluation.images.during_training import SampledImages
from molediff.networks.unet import UNet
from molediff.sampling.seeds import numbered_generators


def test_one_row_a_class_and_the_same_noise_every_time(tmp_path):
    seen = []

    def draw(images: np.ndarray, num_columns: int) -> Image.Image:
        seen.append((images, num_columns))
        return Image.fromarray(np.zeros((4, 4), np.uint8))

    network = UNet(8, num_classes=3, channels=8, num_heads=1, num_blocks=1, dropout=0.5)
    model = DiffusionModel(network, CosineVP(), V(), FullSpace(), scale=0.8)
    switched: list[str] = []
    task = SimpleNamespace(
        model=model,
        training=True,
        device=torch.device("cpu"),
        eval=lambda: (switched.append("eval"), model.eval()),
        train=lambda mode: (switched.append(f"train {mode}"), model.train(mode)),
    )
    callback = SampledImages(tmp_path / "samples", draw, num_levels=17, num_each=2, num_steps=3)
    for step in (7, 8):
        assert callback.look(task, step) == {}
    assert sorted(file.name for file in (tmp_path / "samples").iterdir()) == [
        "samples_000007.png",
        "samples_000008.png",
    ]
    assert switched == ["eval", "train True"] * 2
    (first, columns), (second, _) = seen
    assert first.shape == (6, 8, 8, 1)
    assert columns == 2
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first * 16, np.rint(first * 16), atol=1e-4)


def test_noise_at_the_start_is_as_wide_as_the_path_says(tmp_path):
    """The grid begins at sigma < 1 on the straight path."""

    class Spy(DPMSolverPP2M):
        def sample(self, denoiser, path, times, x_1, *more, **named):
            started.append((float(times[0]), x_1))
            return super().sample(denoiser, path, times, x_1, *more, **named)

    started = []
    network = UNet(8, channels=8, num_heads=1, num_blocks=1)
    model = DiffusionModel(network, Straight(), V(), FullSpace(), scale=0.8)
    task = SimpleNamespace(
        model=model, training=False, device=torch.device("cpu"), eval=model.eval, train=model.train
    )
    SampledImages(tmp_path, lambda *_: Image.new("L", (1, 1)), 17, num_each=2, solver=Spy()).look(task, 1)
    ((time, x_1),) = started
    unit = numbered_generators(0, range(len(x_1))).normal(x_1.shape)
    sigma = float(Straight().sigma(torch.tensor(time)))
    assert sigma < 0.9995
    torch.testing.assert_close(x_1, sigma * unit, rtol=1e-5, atol=0)
