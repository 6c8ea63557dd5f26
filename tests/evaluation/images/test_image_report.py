"""The whole evaluation on a model that is known exactly: tiny images, and a classifier trained for a moment."""

import json
from pathlib import Path

import numpy as np
import pytest
from gaussian_images import MEANS, NUM_LEVELS, SCALE, Blocks, GaussianNetwork, gaussian_generator
from PIL import Image

from molediff.evaluation.images.classifier import train_classifier
from molediff.evaluation.images.evaluate import LABELLED, REAL, ImageSettings, evaluate_images
from molediff.evaluation.images.grid import grid, write_film
from molediff.evaluation.images.page import image_metrics, image_page
from molediff.evaluation.images.pictures import (
    guidance_rows,
    inpainting_rows,
    interpolation_rows,
    nearest_pairs,
    one_of_each,
)
from molediff.evaluation.images.quality import ImageJudge
from molediff.evaluation.images.sweeps import SOLVERS, Curve, evaluations_needed, steps_for
from molediff.evaluation.report.html import html_of
from molediff.images.dataset import ImageSet

SETTINGS = ImageSettings(
    num_images=60, num_steps=8, seed=1, guidance=[0.0, 0.5], num_guided=40, num_evaluations=[3, 6],
    more_evaluations=[8], num_swept=30, many_evaluations=10, num_many=8, num_likelihoods=5, likelihood_steps=4,
    num_contenders=30,
)  # fmt: skip


def image_set(num: int, seed: int, size: int = 4) -> ImageSet:
    """Images of the law that `gaussian_generator` knows, by class."""
    g = np.random.default_rng(seed)
    labels = np.arange(num) % 3
    x = np.array(MEANS)[labels][:, None, None, None] + 0.2 * g.standard_normal((num, 4, 4, 1))
    if size == 8:
        x = x.repeat(2, 1).repeat(2, 2)
    levels = np.clip(np.floor((SCALE * x + 1) * NUM_LEVELS / 2), 0, NUM_LEVELS - 1).astype(np.uint8)
    return ImageSet(levels, labels, NUM_LEVELS, ("dark", "grey", "light"))


@pytest.fixture(scope="module")
def judge():
    return ImageJudge(image_set(120, 0), image_set(60, 1), num_epochs=8)


@pytest.fixture(scope="module")
def evaluation(judge):
    contenders = {
        "pixel": gaussian_generator(GaussianNetwork()),
        "latent": gaussian_generator(Blocks(), size=8),
    }
    # one judge serves both sizes here: the classifier is asked for images of its own size alone
    latent_judge = ImageJudge(image_set(120, 0, 8), image_set(60, 1, 8), num_epochs=2)
    lines: list[str] = []
    found = evaluate_images(
        contenders["pixel"],
        judge,
        SETTINGS,
        {"latent": contenders["latent"]},
        latent_judge,
        {"seed": 1},
        lines.append,
    )
    assert any("near-copies" in line for line in lines)
    return found


def test_the_law_of_the_data_is_recognized(judge, evaluation):
    assert judge.test_accuracy > 0.9
    quality = evaluation.rows[LABELLED]
    assert quality.accuracy > 0.9
    assert quality.frechet < 10 * evaluation.rows[REAL].frechet
    assert quality.num_images == 60
    white = judge.quality(np.ones((60, 4, 4, 1), np.float32))
    assert white.frechet > 10 * quality.frechet
    assert (white.precision, white.recall) == (0.0, 0.0)


def test_planted_copies_and_wrong_labels_are_counted(judge):
    images, labels = judge.test.copy(), judge.test_labels
    images[:30] = judge.train[:30]
    assert judge.quality(images, labels).near_copies >= 0.5
    assert judge.quality(images, (labels + 1) % 3).accuracy < 0.1


def test_floor_is_of_evenly_mixed_training_images(judge):
    """The generated images have every class in turn; a floor of an uneven mixture would be too high."""
    chosen = judge.train_labels[judge._order[:12]]
    assert sorted(chosen) == 4 * [0] + 4 * [1] + 4 * [2]
    assert sorted(judge._order) == list(range(120))
    assert judge.floor(120) == pytest.approx(judge.frechet(judge.train), rel=1e-3)


def test_classifier_is_the_same_every_time():
    data = image_set(30, 0)
    first, second = (
        train_classifier(data.images, data.labels, 3, num_epochs=1).judge(data.images) for _ in range(2)
    )
    np.testing.assert_array_equal(first.features, second.features)


def test_code_length_is_that_of_the_law(evaluation):
    """Entropy of normal pixels in bins: log2(std sqrt(2 pi e) / bin width), as far as bins are narrow."""
    expected = np.log2(0.2 * SCALE * np.sqrt(2 * np.pi * np.e) / (2 / NUM_LEVELS))
    found = evaluation.code_lengths["test images"]
    assert found.num_images == 5
    assert found.mean == pytest.approx(expected, abs=0.5)
    assert 0 < found.standard_error < 0.3


def test_curves_have_the_evaluations_that_were_made(evaluation):
    assert [curve.solver for curve in evaluation.curves] == list(SOLVERS)
    by_name = {curve.solver: curve for curve in evaluation.curves}
    assert by_name["DPM-Solver++(2M)"].num_evaluations == [3, 6, 8]
    assert by_name["Heun"].num_evaluations == [3, 5]
    assert steps_for(SOLVERS["Heun"], 6) == (3, 5)
    assert steps_for(SOLVERS["DDIM"], 6) == (6, 6)


@pytest.mark.parametrize(
    ("distances", "needed"),
    [([9.0, 2.1, 2.0], 10), ([9.0, 2.3, 2.0], 20), ([2.0, 5.0, 2.0], 20), ([1.0, 2.0, 2.0], 5)],
)
def test_enough_evaluations_stay_within_a_tenth(distances, needed):
    assert evaluations_needed(Curve("any", False, 10, [5, 10, 20], distances)) == needed


def test_latents_reconstruct_what_they_can_hold(evaluation):
    assert evaluation.reconstruction.compression == 4
    assert evaluation.reconstruction.rms_error < 0.5 / (NUM_LEVELS - 1) * 2
    assert evaluation.contenders["latent"].seconds > 0


def test_metrics_are_strict_json_and_the_page_needs_no_network(judge, evaluation):
    metrics = json.dumps(image_metrics(evaluation, judge.test_accuracy, judge.threshold), allow_nan=False)
    assert set(json.loads(metrics)["quality"]) == set(evaluation.rows)
    pictures = {"classes": html_of(grid(judge.test[:4]), "four images")}
    page = image_page(
        evaluation, judge.test_accuracy, judge.threshold, judge.floor(30), judge.real_training(40), pictures
    )
    assert page.count("<section>") == 10
    assert 'src="data:image/png;base64,' in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")


def test_grid_puts_images_in_rows_without_smoothing():
    picture = np.asarray(grid(np.array([0.0, 1.0, 0.5]).reshape(3, 1, 1, 1), num_columns=2, side=3))
    assert picture.shape == (2 + 2 * 5, 2 + 2 * 5)
    assert (picture[2:5, 2:5] == 0).all()
    assert (picture[2:5, 7:10] == 255).all()
    assert (picture[7:10, 2:5] == 128).all()
    assert grid(np.zeros((2, 4, 4, 3))).mode == "RGB"


def test_pictures_show_what_they_say(tmp_path: Path, judge, evaluation):
    generator = gaussian_generator()
    chosen = one_of_each(judge.test, judge.test_labels, [2, 0, 2])
    np.testing.assert_array_equal(chosen, judge.test[[2, 0, 5]])
    for picture, columns in (
        (guidance_rows(generator, [0.0, 1.0], 3, 0, 3), 3),
        (interpolation_rows(generator, judge.test[:2], 4, 0, 5), 4),
        (inpainting_rows(generator, judge.test[:2], 1, 0, 5), 3),
        (nearest_pairs(evaluation.samples, judge.train, evaluation.nearest[LABELLED], 5), 5),
    ):
        assert picture.size == (2 + columns * 42, 2 + picture.size[1] // 42 * 42)
    file = tmp_path / "film.gif"
    write_film(generator.trajectory(4, num_steps=5), file)
    with Image.open(file) as film:
        assert film.n_frames > 3
        assert film.width > 2 * (2 + 2 * 42)  # states beside estimates, four images in two columns each


def test_images_without_labels_have_no_judge():
    data = image_set(30, 0)
    with pytest.raises(ValueError, match="needs labels"):
        ImageJudge(ImageSet(data.levels, None, NUM_LEVELS, ()), data)
