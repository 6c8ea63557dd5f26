"""Images: draw them, and measure how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from _cli import DictConfig, use_threads
from hydra.utils import instantiate

from molediff.evaluation.image_grid import grid, write_film
from molediff.images.generator import ImageGenerator
from molediff.images.requests import class_indices


def sample(config: DictConfig, words: list[str]) -> None:
    """Draw images and write them as a picture, an array or a film."""
    if words:
        raise ValueError(f"images take key=value settings alone, such as label=7; got {words[0]!r}")
    use_threads(config.threads)
    generator = ImageGenerator.from_pretrained(config.weights, device=config.device)
    labels: Any = config.label
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
        "solver": instantiate(config.solver.solver, **({} if config.eta is None else {"eta": config.eta})),
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
        np.savez_compressed(config.array, images=images, labels=classes)
        written.append(config.array)
    if config.film is not None:
        shown = min(num_images, config.film_images)
        film_labels = labels[:shown] if isinstance(labels, list) else labels
        film = generator.film(shown, film_labels, num_steps=config.film_steps, **settings)
        write_film(film, config.film, columns)
        written.append(config.film)
    print(f"{num_images} images in {', '.join(written)}")
