"""Images: draw them, and measure how good they are."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _cli import DictConfig, use_threads
from _solver import build_solver
from omegaconf import OmegaConf

from molediff.evaluation.images.evaluate import LABELLED, ImageEvaluation, ImageSettings, evaluate_images
from molediff.evaluation.images.grid import grid, write_film
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
from molediff.evaluation.report.html import html_of, html_of_film, write_files
from molediff.images.arguments import class_indices
from molediff.images.digits import load_digits
from molediff.images.generator import ImageGenerator
from molediff.images.sources import load_images
from molediff.runtime.checks import check_whole_number
from molediff.runtime.describe import describe_machine
from molediff.runtime.files import check_writable, write_arrays


def sample(config: DictConfig, words: list[str]) -> None:
    """Draw images and write them as a picture, an array or a film."""
    if words:
        raise ValueError(f"images take key=value settings alone, such as label=7; got {words[0]!r}")
    use_threads(config.threads)
    for key, suffixes in (("output", (".png",)), ("array", (".npz",)), ("film", (".gif",))):
        file = config[key]
        if (file is not None or key == "output") and Path(str(file)).suffix not in suffixes:
            raise ValueError(f"{key} must end in {suffixes[0]}; got {file}")
    for key in ("num_images", "film_images", "film_steps"):
        check_whole_number(key, config[key], least=1)
    if config.columns is not None:
        check_whole_number("columns", config.columns, least=1)
    generator = ImageGenerator.from_pretrained(config.weights, device=config.device)
    labels: Any = list(config.label) if OmegaConf.is_list(config.label) else config.label
    columns = config.columns
    num_images = config.num_images
    if config.by_class:
        num_classes = generator.model.num_classes
        if config.label is not None or num_classes == 0:
            raise ValueError("by_class draws every class of weights trained with labels: leave label out")
        labels = [label for label in range(num_classes) for _ in range(num_images)]
        num_images, columns = len(labels), columns or num_images
    settings = {
        "guidance": config.guidance,
        "seed": config.seed,
        "solver": build_solver(config),
        "grid": config.grid,
    }
    images = generator.generate(
        num_images, labels, num_steps=config.num_steps, batch_size=config.batch_size, **settings
    )
    for file in (config.output, config.array, config.film):
        if file is not None:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
    grid(images, columns).save(config.output)
    written = [config.output]
    if config.array is not None:
        model = generator.model
        classes = class_indices(labels, num_images, model.num_classes, model.class_names)
        write_arrays(config.array, images=images, labels=classes)
        written.append(config.array)
    if config.film is not None:
        shown = min(num_images, config.film_images)
        film_labels = labels[:shown] if isinstance(labels, list) else labels
        if config.by_class:  # of every class alike
            columns = max(1, shown // num_classes)
            film_labels = [label for label in range(num_classes) for _ in range(columns)]
            shown = len(film_labels)
        film = generator.trajectory(shown, film_labels, num_steps=config.film_steps, **settings)
        write_film(film, config.film, columns)
        written.append(config.film)
    print(f"{num_images} images in {', '.join(written)}")


def evaluate(config: DictConfig) -> None:
    """Measure a model of images and write the report, its figures and its pictures."""
    use_threads(config.threads)
    check_writable(config.output)
    folder = Path(config.output)
    generator = ImageGenerator.from_pretrained(config.weights, device=config.device)
    judge = _judge(generator, config)
    print(f"classifier of the report: {100 * judge.test_accuracy:.1f} % of the test images right", flush=True)
    largest = max(config.num_images, config.num_guided, config.num_swept, config.num_contenders)
    if generator.model.num_classes == 0 or largest > len(judge.train):
        raise ValueError(
            f"the report needs weights with labels, and at most as many images as the {len(judge.train)} training "
            f"images that they are held against; got {generator.model.num_classes} classes, {largest} images"
        )
    contenders = {
        name: ImageGenerator.from_pretrained(weights, device=config.device)
        for name, weights in (("pixel", config.pixel), ("latent", config.latent))
        if config.pixel is not None and config.latent is not None
    }
    contender_judge = _judge(contenders["pixel"], config) if contenders else None
    keys = [field.name for field in fields(ImageSettings)]
    settings = ImageSettings(**{key: OmegaConf.to_object(config)[key] for key in keys})
    protocol = {
        "weights": config.weights,
        "parameters": f"{sum(p.numel() for p in generator.model.diffusion.parameters()) / 1e6:.2f} M",
        "trained": f"{generator.metadata.get('minutes', 0):.0f} minutes",
        "data": generator.metadata["split"]["description"],
        "solver": f"DPM-Solver++(2M), {config.num_steps} evaluations",
        "seed": config.seed,
        **describe_machine(torch.get_num_threads()),
    }
    found = evaluate_images(
        generator,
        judge,
        settings,
        contenders,
        contender_judge,
        protocol,
        lambda line: print(line, flush=True),
    )
    pictures = _pictures(generator, judge, found, config, folder)
    metrics_path, report_path = write_files(
        folder,
        image_metrics(found, judge.test_accuracy, judge.threshold),
        image_page(
            found,
            judge.test_accuracy,
            judge.threshold,
            judge.floor(config.num_swept) if config.num_swept else 1.0,
            judge.real_training(config.num_guided),
            pictures,
        ),
    )
    print(f"{report_path}\n{metrics_path}")


def _judge(generator: ImageGenerator, config: DictConfig) -> ImageJudge:
    size, _, channels = generator.model.image_shape
    splits = load_digits(size) if config.data is None else load_images(config.data, size, channels)
    return ImageJudge(splits.train, splits.test, num_epochs=config.classifier_epochs)


def _pictures(
    generator: ImageGenerator, judge: ImageJudge, found: ImageEvaluation, config: DictConfig, folder: Path
) -> dict[str, str]:
    """HTML of the report's pictures; each is a file in `folder` too."""
    seed, num_steps, classes = config.seed, config.num_steps, range(generator.model.num_classes)
    chosen = one_of_each(judge.test, judge.test_labels, [k % len(classes) for k in range(8)])
    pictures = {
        "classes": (class_rows(generator, 16, 1.0, seed, num_steps), "one class a row"),
        "guidance": (
            guidance_rows(generator, config.guidance, 20, seed, num_steps),
            "one guidance scale a row",
        ),
        "nearest": (
            nearest_pairs(found.samples, judge.train, found.nearest[LABELLED], 16),
            "generated images above, their nearest training images below",
        ),
        "inpainting": (
            inpainting_rows(generator, chosen[:6], 6, seed, config.picture_steps),
            "image, what is left of it, fillings",
        ),
        "interpolation": (
            interpolation_rows(generator, chosen, 12, seed, config.picture_steps),
            "ways between two images",
        ),
    }
    html = {}
    for name, (picture, description) in pictures.items():
        picture.save(folder / f"{name}.png", optimize=True)
        html[name] = html_of(picture, description)
    if found.contenders:
        picture = grid(np.concatenate([one.images for one in found.contenders.values()]), 15)
        picture.save(folder / "contenders.png", optimize=True)
        html["contenders"] = html_of(picture, "two rows of pixel diffusion, two of latent diffusion")
    film = generator.trajectory(
        25, [label % len(classes) for label in range(25)], guidance=1.0, seed=seed, num_steps=30
    )
    write_film(film, folder / "film.gif", 5)
    html["film"] = html_of_film((folder / "film.gif").read_bytes(), "noise turning into images")
    return html
