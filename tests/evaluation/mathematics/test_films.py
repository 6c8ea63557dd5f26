"""The films: few frames of each."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageSequence

from molediff.evaluation.mathematics.films import film_density, film_trajectories


@pytest.mark.parametrize(("film", "num_frames"), [(film_density, 3 + 3), (film_trajectories, 3)])
def test_a_film_moves_in_every_frame_and_holds_its_end(film, num_frames, tmp_path):
    file = tmp_path / "film.gif"
    film(file, num_frames=3, num_walkers=4)
    with Image.open(file) as gif:
        frames = [np.asarray(frame.convert("L"), float) for frame in ImageSequence.Iterator(gif)]
        gif.seek(gif.n_frames - 1)
        assert gif.info["duration"] == 1200
    assert len(frames) == num_frames
    changes = [np.abs(after - before).mean() for before, after in pairwise(frames)]
    assert min(changes) > 0.3  # grey levels, mean over the picture
