"""Images from a command's settings: draw them, and measure how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from molediff.core.solvers import Solver
from molediff.evaluation.images.evaluate import LABELLED, ImageEvaluation, ImageSettings, evaluate_images
from molediff.evaluation.images.grid import grid as side_by_side
from molediff.evaluation.images.grid import write_film
from molediff.evaluation.images.page import image_metrics, image_page
from molediff.evaluation.images.pictures import (
    class_rows,
    guidance_rows,
    inpainting_rows,
    interpolation_rows,
    nearest_pairs,
    one_of_each,
)
from molediff.evaluation.images.quality import ImageJudge
from molediff.evaluation.report.files import write_picture
from molediff.evaluation.report.html import html_of, html_of_film, write_files
from molediff.images.arguments import class_indices
from molediff.images.digits import load_digits
from molediff.images.generator import ImageGenerator
from molediff.images.sources import load_images
from molediff.runtime.checks import check_whole_number
from molediff.runtime.describe import describe_machine
from molediff.runtime.files import check_writable, write_arrays
from molediff.runtime.words import counted


def sample(
    output: str,
    array: str | None,
    film: str | None,
    num_images: int,
    label: int | str | list[Any] | None,
    by_class: bool,
    guidance: float,
    columns: int | None,
    seed: int,
    weights: str,
    num_steps: int,
    solver: str | Solver,
    grid: str,
    batch_size: int,
    film_images: int,
    film_steps: int,
    device: str | None = None,
) -> int:
    """Draw images and write them as a picture, and as an array and a film if asked for; return their number.

    Args:
        output: `.png` of the images side by side.
        array: `.npz` with "images" (n, height, width, channels) in [0, 1] and "labels" (n,), -1 for any; or None.
        film: `.gif` of noise turning into images; or None.
        num_images: with `by_class`, of each class.
        label, guidance, seed, num_steps, solver, grid, batch_size: see `ImageGenerator.generate`.
        by_class: one row for every class.
        columns: images a row; None: a square, or with `by_class` `num_images`.
        weights, device: see `ImageGenerator.from_pretrained`.
        film_images: at most so many are in the film.
        film_steps: its solver steps, one frame each.

    Raises:
        ValueError: a setting is out of range, or a file has another suffix.
        OSError: a file cannot be written.
    """
    for key, file, suffix in (("output", output, ".png"), ("array", array, ".npz"), ("film", film, ".gif")):
        if file is not None and Path(file).suffix != suffix:
            raise ValueError(f"{key} must end in {suffix}; got {file}")
    for key, number in (("num_images", num_images), ("film_images", film_images), ("film_steps", film_steps)):
        check_whole_number(key, number, least=1)
    if columns is not None:
        check_whole_number("columns", columns, least=1)
    for file in filter(None, (output, array, film)):
        check_writable(Path(file).parent)
    generator = ImageGenerator.from_pretrained(weights, device=device)
    model, labels = generator.model, label
    if by_class:
        if label is not None or model.num_classes == 0:
            raise ValueError("by_class draws every class of weights trained with labels: leave label out")
        labels = [number for number in range(model.num_classes) for _ in range(num_images)]
        num_images, columns = len(labels), columns or num_images
    settings: dict[str, Any] = {"guidance": guidance, "seed": seed, "solver": solver, "grid": grid}
    images = generator.generate(
        num_images, label=labels, num_steps=num_steps, batch_size=batch_size, **settings
    )
    write_picture(side_by_side(images, columns), output)
    written = [output]
    if array is not None:
        classes = class_indices(labels, num_images, model.num_classes, model.class_names)
        write_arrays(array, images=images, labels=classes)
        written.append(array)
    if film is not None:
        shown = min(num_images, film_images)
        film_labels = labels[:shown] if isinstance(labels, list) else labels
        if by_class:  # of every class alike
            columns = max(1, shown // model.num_classes)
            film_labels = [number for number in range(model.num_classes) for _ in range(columns)]
            shown = len(film_labels)
        write_film(
            generator.trajectory(shown, label=film_labels, num_steps=film_steps, **settings), film, columns
        )
        written.append(film)
    print(f"{counted(num_images, 'image')} in {', '.join(written)}")
    return num_images


def evaluate(
    output: str,
    weights: str,
    latent: str | None,
    pixel: str | None,
    data: str | None,
    picture_steps: int,
    classifier_epochs: int,
    device: str | None = None,
    **sizes: Any,
) -> None:
    """Measure a model of images and write the report, its figures and its pictures.

    Args:
        output: folder of report.html, metrics.json and the pictures.
        weights: of an image model with labels.
        latent, pixel: weights of a latent model and of a pixel model, to compare; None leaves the comparison out.
        data: folder of the images that the weights were trained on; None takes the digits.
        picture_steps: solver steps of the pictures of filling in and of ways between images.
        classifier_epochs: passes of the report's own classifier through the training images.
        device: see `ImageGenerator.from_pretrained`.
        sizes: the fields of `ImageSettings`.

    Raises:
        ValueError: the weights have no labels, or more images are asked for than there are training images.
        OSError: the folder cannot be written.
    """
    settings = ImageSettings(**sizes)
    check_writable(output)
    folder = Path(output)
    generator = ImageGenerator.from_pretrained(weights, device=device)
    judge = _judge(generator, data, classifier_epochs)
    print(f"classifier of the report: {100 * judge.test_accuracy:.1f} % of the test images right", flush=True)
    largest = max(settings.num_images, settings.num_guided, settings.num_swept, settings.num_contenders)
    if generator.model.num_classes == 0 or largest > len(judge.train):
        raise ValueError(
            f"the report needs weights with labels, and at most as many images as the {len(judge.train)} training "
            f"images that they are held against; got {generator.model.num_classes} classes, {largest} images"
        )
    contenders, contender_judge = {}, None
    if pixel is not None and latent is not None:
        contenders = {
            name: ImageGenerator.from_pretrained(file, device=device)
            for name, file in (("pixel", pixel), ("latent", latent))
        }
        contender_judge = _judge(contenders["pixel"], data, classifier_epochs)
    found = evaluate_images(
        generator,
        judge,
        settings,
        contenders,
        contender_judge,
        _protocol(generator, weights, settings),
        lambda line: print(line, flush=True),
    )
    pictures = _pictures(generator, judge, found, settings, picture_steps, folder)
    metrics_path, report_path = write_files(
        folder,
        image_metrics(found, judge.test_accuracy, judge.threshold),
        image_page(
            found,
            judge.test_accuracy,
            judge.threshold,
            judge.floor(settings.num_swept) if settings.num_swept else 1.0,
            judge.real_training(settings.num_guided),
            pictures,
        ),
    )
    print(f"{report_path}\n{metrics_path}")


def _protocol(generator: ImageGenerator, weights: str, settings: ImageSettings) -> dict[str, Any]:
    return {
        "weights": weights,
        "parameters": f"{sum(p.numel() for p in generator.model.diffusion.parameters()) / 1e6:.2f} M",
        "trained": f"{generator.metadata.get('minutes', 0):.0f} minutes",
        "data": generator.metadata["split"]["description"],
        "solver": f"DPM-Solver++(2M), {counted(settings.num_steps, 'evaluation')}",
        "seed": settings.seed,
        **describe_machine(torch.get_num_threads()),
    }


def _judge(generator: ImageGenerator, data: str | None, num_epochs: int) -> ImageJudge:
    size, _, channels = generator.model.image_shape
    splits = load_digits(size) if data is None else load_images(data, size, channels)
    return ImageJudge(splits.train, splits.test, num_epochs=num_epochs)


def _pictures(
    generator: ImageGenerator,
    judge: ImageJudge,
    found: ImageEvaluation,
    settings: ImageSettings,
    picture_steps: int,
    folder: Path,
) -> dict[str, str]:
    """HTML of the report's pictures; each is a file in `folder` too."""
    seed, num_steps, classes = settings.seed, settings.num_steps, range(generator.model.num_classes)
    chosen = one_of_each(judge.test, judge.test_labels, [k % len(classes) for k in range(8)])
    pictures = {
        "classes": (class_rows(generator, 16, 1.0, seed, num_steps), "one class a row"),
        "guidance": (
            guidance_rows(generator, settings.guidance, 20, seed, num_steps),
            "one guidance scale a row",
        ),
        "nearest": (
            nearest_pairs(found.samples, judge.train, found.nearest[LABELLED], 16),
            "generated images above, their nearest training images below",
        ),
        "inpainting": (
            inpainting_rows(generator, chosen[:6], 6, seed, picture_steps),
            "image, what is left of it, fillings",
        ),
        "interpolation": (
            interpolation_rows(generator, chosen, 12, seed, picture_steps),
            "ways between two images",
        ),
    }
    if found.contenders:
        pictures["contenders"] = (
            side_by_side(np.concatenate([one.images for one in found.contenders.values()]), 15),
            "two rows of pixel diffusion, two of latent diffusion",
        )
    html = {}
    for name, (picture, description) in pictures.items():
        write_picture(picture, folder / f"{name}.png")
        html[name] = html_of(picture, description)
    film = generator.trajectory(
        25, label=[label % len(classes) for label in range(25)], guidance=1.0, seed=seed, num_steps=30
    )
    write_film(film, folder / "film.gif", 5)
    html["film"] = html_of_film((folder / "film.gif").read_bytes(), "noise turning into images")
    return html
