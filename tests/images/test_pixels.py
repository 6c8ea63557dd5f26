"""Grey levels to model data and back."""

import numpy as np
import pytest
import torch

from molediff.core.generators import Generators
from molediff.images.pixels import to_images, to_model


@pytest.mark.parametrize("num_levels", [17, 256])
@pytest.mark.parametrize("dequantized", [True, False])
def test_every_level_comes_back(num_levels, dequantized):
    levels = np.arange(num_levels, dtype=np.uint8).reshape(1, 1, -1, 1).repeat(3, axis=3)
    x = to_model(levels, num_levels, Generators([0]), dequantized)
    assert x.shape == (1, 3, 1, num_levels)
    assert float(x.min()) >= -1
    assert float(x.max()) < 1
    np.testing.assert_allclose(to_images(x, num_levels) * (num_levels - 1), levels, atol=1e-3)


def test_noise_fills_the_bin_and_no_more():
    x = to_model(np.full((1, 50, 50, 1), 3, np.uint8), 17, Generators([1]))
    place = (x + 1) * 17 / 2 - 3
    assert 0 <= float(place.min()) < 0.01
    assert 0.99 < float(place.max()) <= 1
    assert float(place.mean()) == pytest.approx(0.5, abs=0.02)


def test_an_image_depends_on_its_generator_alone():
    levels = np.full((4, 2, 2, 1), 5, np.uint8)
    together = to_model(levels, 17, Generators(range(4)))
    alone = to_model(levels[2:3], 17, Generators([2]))
    assert torch.equal(together[2:3], alone)


def test_values_out_of_range_become_black_and_white():
    assert to_images(torch.tensor([-3.0, 1.0, 7.0]).reshape(1, 1, 1, 3), 256).ravel().tolist() == [0, 1, 1]
