"""All measurements of a model of images, for the report."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from molediff.evaluation.images.latent_against_pixel import (
    Contender,
    Reconstruction,
    contend,
    measure_reconstruction,
)
from molediff.evaluation.images.metrics.near_copies import Nearest, nearest_training
from molediff.evaluation.images.quality import ImageJudge, ImageQuality
from molediff.evaluation.images.sweeps import (
    SOLVERS,
    Curve,
    evaluations_needed,
    even_labels,
    sweep_guidance,
    sweep_solver,
)
from molediff.images.generator import ImageGenerator


@dataclass(frozen=True)
class CodeLength:
    """Bits a dimension of discrete images: an upper bound, its mean over images and the standard error of that."""

    num_images: int
    mean: float
    standard_error: float


@dataclass(frozen=True)
class ImageSettings:
    """Sizes of the measurements; a size of 0 or an empty list leaves a part out.

    Attributes:
        num_images: of the first table.
        num_steps: solver steps of all but the sweep over solvers.
        seed: of everything drawn.
        guidance: scales.
        num_guided: images at each scale.
        num_evaluations: of every solver.
        more_evaluations: of the first solver, DPM-Solver++(2M), in addition.
        num_swept: images at each of these points.
        many_evaluations: of the first solver and of the ancestral one, a point that only few images can afford.
        num_many: images at that point.
        num_likelihoods: test images, and training images, whose code length is measured.
        likelihood_steps: Runge-Kutta steps of each.
        num_contenders: images of the latent and of the pixel model.
    """

    num_images: int
    num_steps: int
    seed: int
    guidance: Sequence[float]
    num_guided: int
    num_evaluations: Sequence[int]
    more_evaluations: Sequence[int]
    num_swept: int
    many_evaluations: int
    num_many: int
    num_likelihoods: int
    likelihood_steps: int
    num_contenders: int


@dataclass(frozen=True)
class ManyEvaluations:
    """The same few images at a usual and at a large number of evaluations, with their Frechet distances."""

    solver: str
    num_images: int
    num_evaluations: tuple[int, int]
    frechet: tuple[float, float]


@dataclass(frozen=True)
class ImageEvaluation:
    """Everything measured in one run.

    Attributes:
        rows: quality by name: real training images, then images without and with their label.
        guidance: quality by scale.
        curves: of the solvers.
        many: what many evaluations would bring.
        code_lengths: by name of the images.
        nearest: the nearest training image of each labelled image, and of each test image.
        samples: images of every class in turn.
        contenders: the model of latents and that of pixels, by name.
        reconstruction: of the autoencoder.
        protocol: how it was measured.
    """

    rows: dict[str, ImageQuality]
    guidance: dict[float, ImageQuality]
    curves: list[Curve]
    many: list[ManyEvaluations]
    code_lengths: dict[str, CodeLength]
    nearest: dict[str, Nearest]
    samples: np.ndarray
    contenders: dict[str, Contender]
    reconstruction: Reconstruction | None
    protocol: dict[str, Any]


REAL = "real training images"
UNLABELLED, LABELLED = "any class", "every class in turn"


def evaluate_images(
    generator: ImageGenerator,
    judge: ImageJudge,
    settings: ImageSettings,
    contenders: Mapping[str, ImageGenerator],
    contender_judge: ImageJudge | None,
    protocol: Mapping[str, Any],
    say: Callable[[str], None] = print,
) -> ImageEvaluation:
    """Measure a model of pixels, and a model of latents against one of pixels.

    Args:
        generator: of pixels, trained with labels.
        judge: of the generator's images.
        settings: how much.
        contenders: the model of latents and that of pixels, by name, of images of one size.
        contender_judge: of their images.
        protocol: what to note beside the settings.
        say: called with a line about each part as it is done.
    """
    drawn = _draw_rows(generator, judge, settings)
    rows = {REAL: judge.real_training(settings.num_images), **drawn.qualities}
    for name, quality in rows.items():
        say(f"{name}: {quality.ratio:.2f} times the floor, {100 * quality.near_copies:.1f} % near-copies")
    guidance = sweep_guidance(
        generator, judge, settings.guidance, settings.num_guided, settings.num_steps, settings.seed
    )
    for scale, quality in guidance.items():
        say(f"guidance {scale:g}: {100 * (quality.accuracy or 0):.1f} % of the class asked for")
    code_lengths = _code_lengths(generator, judge, settings)
    for name, bits in code_lengths.items():
        say(f"{name}: {bits.mean:.3f} +- {bits.standard_error:.3f} bits a dimension")
    curves = []
    for number, name in enumerate(SOLVERS if settings.num_swept else ()):
        evaluations = sorted({*settings.num_evaluations, *(settings.more_evaluations if number == 0 else ())})
        curves.append(sweep_solver(generator, judge, name, evaluations, settings.num_swept, settings.seed))
        say(f"{name}: {evaluations_needed(curves[-1])} evaluations")
    found = {}
    for name, contender in contenders.items():
        assert contender_judge is not None
        found[name] = contend(
            contender, contender_judge, settings.num_contenders, settings.num_steps, settings.seed
        )
        say(
            f"{name}: {1000 * found[name].seconds:.1f} ms an image, {found[name].quality.ratio:.2f} times the floor"
        )
    latent = next((one for one in contenders.values() if one.model.is_latent), None)
    return ImageEvaluation(
        rows,
        guidance,
        curves,
        _many(generator, judge, settings),
        code_lengths,
        {LABELLED: drawn.nearest, "test images": nearest_training(judge.test, judge.train)},
        drawn.images,
        found,
        None
        if latent is None or contender_judge is None
        else measure_reconstruction(latent, contender_judge),
        dict(protocol),
    )


@dataclass(frozen=True)
class _Drawn:
    qualities: dict[str, ImageQuality]
    images: np.ndarray
    nearest: Nearest


def _draw_rows(generator: ImageGenerator, judge: ImageJudge, settings: ImageSettings) -> _Drawn:
    num, seed, num_steps = settings.num_images, settings.seed, settings.num_steps
    labels = even_labels(num, generator.model.num_classes)
    free = generator.generate(num, seed=seed, num_steps=num_steps)
    images = generator.generate(num, label=labels, seed=seed, num_steps=num_steps)
    qualities = {UNLABELLED: judge.quality(free), LABELLED: judge.quality(images, labels)}
    return _Drawn(qualities, images, nearest_training(images, judge.train))


def _code_lengths(
    generator: ImageGenerator, judge: ImageJudge, settings: ImageSettings
) -> dict[str, CodeLength]:
    found = {}
    chosen = np.random.default_rng(settings.seed)
    for name, images, labels in (
        ("test images", judge.test, judge.test_labels),
        ("training images", judge.train, judge.train_labels),
    ):
        rows = chosen.permutation(len(images))[: settings.num_likelihoods]
        if len(rows) < 2:
            continue
        bits = generator.bits_per_dimension(
            images[rows], labels[rows], seed=settings.seed, num_steps=settings.likelihood_steps
        )
        found[name] = CodeLength(
            len(bits), float(bits.mean()), float(bits.std(ddof=1) / math.sqrt(len(bits)))
        )
    return found


def _many(generator: ImageGenerator, judge: ImageJudge, settings: ImageSettings) -> list[ManyEvaluations]:
    if not settings.num_many or not settings.many_evaluations:
        return []
    pair = (max(settings.num_evaluations), settings.many_evaluations)
    curves = [
        sweep_solver(generator, judge, name, pair, settings.num_many, settings.seed)
        for name in ("DPM-Solver++(2M)", "ancestral")
    ]
    return [
        ManyEvaluations(curve.solver, curve.num_images, pair, (curve.frechet[0], curve.frechet[1]))
        for curve in curves
    ]
