"""Films as files."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image, ImageSequence

from molediff.evaluation.report.gif import draw_frames, write_gif

SHADES = (0, 120, 240)


def pictures(size=8):
    return [Image.fromarray(np.full((size, size, 3), shade, np.uint8)) for shade in SHADES]


@pytest.mark.parametrize("colours", [None, ["#ff0000"]])
def test_a_film_shows_every_picture_in_order_and_holds_the_last(tmp_path, colours):
    file = tmp_path / "a.gif"
    write_gif(file, pictures(), 50, 1000, colours)
    with Image.open(file) as film:
        found = [
            (np.asarray(f.convert("L")).mean(), f.info["duration"]) for f in ImageSequence.Iterator(film)
        ]
        assert film.info["loop"] == 0
    np.testing.assert_allclose([shade for shade, _ in found], SHADES, atol=2)
    assert [duration for _, duration in found] == [50, 50, 1000]


def test_a_thin_line_keeps_its_colour_in_a_common_palette(tmp_path):
    """A single red pixel among a thousand greys."""
    greys = np.linspace(0, 255, 1024).astype(np.uint8).reshape(32, 32, 1).repeat(3, axis=2)
    greys[3, 5] = (255, 0, 0)
    write_gif(tmp_path / "a.gif", [Image.fromarray(greys)], 50, 50, ["#ff0000"])
    with Image.open(tmp_path / "a.gif") as film:
        np.testing.assert_allclose(np.asarray(film.convert("RGB"))[3, 5], (255, 0, 0), atol=8)


def test_a_figure_is_drawn_again_for_every_frame():
    figure = Figure(figsize=(1, 1))
    axes = figure.add_axes((0, 0, 1, 1))

    def show(grey):
        axes.clear()
        axes.axis("off")
        axes.axhspan(0, 1, color=(grey, grey, grey))
        axes.set_ylim(0, 1)

    dark, light = (np.asarray(picture).mean() for picture in draw_frames(figure, show, (0.0, 0.5), dpi=40))
    assert dark < 30
    assert 110 < light < 150


def test_a_film_that_cannot_be_written_leaves_the_former_one(tmp_path):
    file = tmp_path / "a.gif"
    write_gif(file, pictures(), 50, 50)
    before = file.read_bytes()
    with pytest.raises(AttributeError):
        write_gif(file, [*pictures(), "no picture"], 50, 50)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "frames", "message"), [("a.gif", [], "no frame"), ("a.mp4", None, r"\.gif")]
)
def test_what_is_no_film_is_said(tmp_path, name, frames, message):
    with pytest.raises(ValueError, match=message):
        write_gif(tmp_path / name, pictures() if frames is None else frames, 50, 50)
