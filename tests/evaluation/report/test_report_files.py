"""Figures and pictures as files."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from molediff.evaluation.report.files import finite_or_none, write_figure, write_picture


def test_a_figure_has_the_format_of_its_name(tmp_path):
    figure = Figure(figsize=(2, 1))
    write_figure(figure, tmp_path / "new" / "a.png", dpi=50)
    write_figure(figure, tmp_path / "a.svg")
    with Image.open(tmp_path / "new" / "a.png") as picture:
        assert picture.size == (100, 50)
    assert "<svg" in (tmp_path / "a.svg").read_text()
    with pytest.raises(ValueError, match="ending"):
        write_figure(figure, tmp_path / "a")


def test_a_picture_comes_back_as_it_was(tmp_path):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    write_picture(Image.fromarray(pixels), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_a_figure_that_cannot_be_drawn_leaves_the_former_one(tmp_path):
    file = tmp_path / "a.png"
    file.write_text("the former one")
    figure = Figure()
    figure.suptitle("$\\nonsense{$")  # no formula
    with pytest.raises(ValueError, match="nonsense"):
        write_figure(figure, file)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the former one"]


def test_json_has_no_numbers_that_are_not_finite():
    given = {"a": [math.nan, 1.0], "b": (math.inf, "x"), "c": {"d": -math.inf, "e": 3}}
    assert finite_or_none(given) == {"a": [None, 1.0], "b": [None, "x"], "c": {"d": None, "e": 3}}
