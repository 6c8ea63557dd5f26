"""The films: few frames of each."""

import pytest
from PIL import Image

from molediff.evaluation.mathematics.films import film_density, film_trajectories


@pytest.mark.parametrize(("film", "num_frames"), [(film_density, 3 + 3), (film_trajectories, 3)])
def test_a_film_is_a_gif_that_moves(film, num_frames, tmp_path):
    file = tmp_path / "film.gif"
    film(file, num_frames=3, num_walkers=4)
    with Image.open(file) as image:
        assert image.format == "GIF"
        assert image.n_frames >= 3  # equal frames at the end may be joined
        assert image.n_frames <= num_frames + 8
