import numpy as np
import pytest
from PIL import Image

from molediff.evaluation.particles.film import write_cluster_film
from molediff.particles.generator import Trajectory


@pytest.mark.parametrize("d", [2, 3])
def test_a_film_has_its_frames(tmp_path, d):
    x = np.random.default_rng(0).standard_normal((9, 1, 4, d))
    file = tmp_path / "film.gif"
    write_cluster_film(Trajectory(np.linspace(1, 0, 9), x, x), file, num_frames=3, frames_per_second=1)
    with Image.open(file) as film:
        assert film.n_frames >= 3
        assert film.width > 300


def test_a_missing_sample_is_said(tmp_path):
    x = np.zeros((3, 2, 4, 3))
    with pytest.raises(ValueError, match="no sample 2"):
        write_cluster_film(Trajectory(np.zeros(3), x, x), tmp_path / "film.gif", sample=2)
