from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageSequence

from molediff.evaluation.particles.film import write_cluster_film
from molediff.sampling.trajectory import Trajectory


@pytest.mark.parametrize("d", [2, 3])
def test_particles_move_from_the_first_frame_to_the_last_which_is_held(tmp_path, d):
    start = np.random.default_rng(0).standard_normal((1, 4, d))
    x = np.linspace(3, 1, 9)[:, None, None, None] * start  # towards the middle
    file = tmp_path / "film.gif"
    write_cluster_film(Trajectory(np.linspace(1, 0, 9), x, x), file, num_frames=3, frames_per_second=10)
    with Image.open(file) as film:
        frames = [np.asarray(frame.convert("L"), float) for frame in ImageSequence.Iterator(film)]
        film.seek(film.n_frames - 1)
        assert film.info["duration"] == 2000
    assert len(frames) == 3
    half = frames[0].shape[1] // 2
    for panel in (slice(None, half), slice(half, None)):  # the state and the estimate
        assert all(np.abs(b - a)[:, panel].max() > 100 for a, b in pairwise(frames))


def test_a_missing_sample_is_said(tmp_path):
    x = np.zeros((3, 2, 4, 3))
    with pytest.raises(ValueError, match="no sample 2"):
        write_cluster_film(Trajectory(np.zeros(3), x, x), tmp_path / "film.gif", sample=2)
