"""The report on images as one HTML page, and its figures as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from molediff.evaluation.images.evaluate import LABELLED, REAL, UNLABELLED, ImageEvaluation
from molediff.evaluation.images.plots import guidance_figure, nearest_figure, solver_figure
from molediff.evaluation.images.quality import ImageQuality
from molediff.evaluation.images.sweeps import evaluations_needed
from molediff.evaluation.report.html import document, section, svg, table

_QUALITY_HEAD = (
    "", "images", "Fréchet distance", "over the floor", "precision", "recall", "class as asked", "near-copies",
)  # fmt: skip


def image_metrics(evaluation: ImageEvaluation, judge_accuracy: float, threshold: float) -> dict[str, Any]:
    """Everything measured as plain numbers; fractions are between 0 and 1.

    Args:
        evaluation: what was measured.
        judge_accuracy: fraction of the test images that the report's classifier puts into their class.
        threshold: pixel distance below which an image counts as a near-copy.
    """
    return {
        "protocol": evaluation.protocol,
        "classifier_test_accuracy": judge_accuracy,
        "near_copy_threshold": threshold,
        "quality": {name: _quality(quality) for name, quality in evaluation.rows.items()},
        "guidance": {f"{scale:g}": _quality(quality) for scale, quality in evaluation.guidance.items()},
        "bits_per_dimension": {name: asdict(bits) for name, bits in evaluation.code_lengths.items()},
        "solvers": [
            {**asdict(curve), "evaluations_within_10_percent": evaluations_needed(curve)}
            for curve in evaluation.curves
        ],
        "many_evaluations": [asdict(many) for many in evaluation.many],
        "latent_against_pixel": {
            name: {
                **_quality(contender.quality),
                "seconds": contender.seconds,
                "num_parameters": contender.num_parameters,
                "training_minutes": contender.minutes,
            }
            for name, contender in evaluation.contenders.items()
        },
        "reconstruction": None if evaluation.reconstruction is None else asdict(evaluation.reconstruction),
    }


def image_page(
    evaluation: ImageEvaluation,
    judge_accuracy: float,
    threshold: float,
    floor_of_curves: float,
    real_at_guidance: ImageQuality,
    pictures: Mapping[str, str],
) -> str:
    """The whole page.

    Args:
        evaluation: what was measured.
        judge_accuracy, threshold: see `image_metrics`.
        floor_of_curves: Frechet distance of as many real training images as the solvers are judged by.
        real_at_guidance: figures of as many real training images as each guidance scale is judged by.
        pictures: HTML of the pictures by name: "film", "classes", "guidance", "nearest", "inpainting",
            "interpolation", "contenders"; those missing are left out.
    """
    parts = [
        section("Out of noise", pictures.get("film", ""), "Left the state, right what the network takes it to be."),
        _quality_section(evaluation, judge_accuracy, threshold, pictures),
        section("By class", pictures.get("classes", ""), "One class a row, at guidance 1."),
        _guidance_section(evaluation, real_at_guidance, pictures),
        _nearest_section(evaluation, threshold, pictures),
        _solver_section(evaluation, floor_of_curves),
        _likelihood_section(evaluation),
        _latent_section(evaluation, pictures),
        section("Filling in", pictures.get("inpainting", ""), "A test image, what was left of it, and six fillings "
                "without a label (repeated ancestral steps)."),
        section("Between two images", pictures.get("interpolation", ""), "Both ends are test images, carried up to "
                "noise by the probability-flow ODE, and down again from along the great circle between them."),
    ]  # fmt: skip
    return document("Image report", evaluation.protocol, "".join(parts))


def _quality(quality: ImageQuality) -> dict[str, Any]:
    return {**asdict(quality), "ratio": quality.ratio}


def _row(name: str, quality: ImageQuality) -> tuple[str, ...]:
    accuracy = "" if quality.accuracy is None else f"{100 * quality.accuracy:.1f} %"
    return (
        name,
        f"{quality.num_images}",
        f"{quality.frechet:.2f}",
        f"{quality.ratio:.2f}",
        f"{100 * quality.precision:.1f} %",
        f"{100 * quality.recall:.1f} %",
        accuracy,
        f"{100 * quality.near_copies:.1f} %",
    )


def _quality_section(
    evaluation: ImageEvaluation, accuracy: float, threshold: float, pictures: Mapping[str, str]
) -> str:
    names = {REAL: REAL, UNLABELLED: f"generated, {UNLABELLED}", LABELLED: f"generated, {LABELLED}"}
    rows = [_row(names[name], quality) for name, quality in evaluation.rows.items()]
    return section(
        "How good",
        table(_QUALITY_HEAD, rows, data_rows=[REAL]),
        "Distances are to the real test images, in the features of a classifier that this report trained on the real "
        f"training images ({100 * accuracy:.1f} % right on the test images). The floor is the distance of as many real "
        "training images; the classifier knows these by heart, which puts them a little further from the test images "
        f"than new real images would be. A near-copy differs from a training image by less than {threshold:.3f} (root "
        "mean square, white is 1), nearer than 95 % of the training images are to one another; the real row counts "
        "them among the test images.",
    )


def _guidance_section(evaluation: ImageEvaluation, real: ImageQuality, pictures: Mapping[str, str]) -> str:
    if not evaluation.guidance:
        return ""
    rows = [_row(f"{scale:g}", quality) for scale, quality in evaluation.guidance.items()]
    head = ("guidance", *_QUALITY_HEAD[1:])
    picture = pictures.get("guidance", "")
    return section(
        "Guidance: fidelity against diversity",
        svg(guidance_figure(evaluation.guidance, real)) + table(head, rows) + picture,
        "Scale w of (1 + w) conditional - w unconditional. Below, one row a scale from the least to the greatest; all "
        "down a column the class and the noise are the same.",
    )


def _nearest_section(evaluation: ImageEvaluation, threshold: float, pictures: Mapping[str, str]) -> str:
    return section(
        "Learnt, or by heart?",
        svg(nearest_figure(evaluation.nearest, threshold)) + pictures.get("nearest", ""),
        "Below, the generated images that come nearest to a training image, with that image under them.",
    )


def _solver_section(evaluation: ImageEvaluation, floor: float) -> str:
    if not evaluation.curves:
        return ""
    counts = sorted({count for curve in evaluation.curves for count in curve.num_evaluations})
    rows = []
    for curve in evaluation.curves:
        found = dict(zip(curve.num_evaluations, curve.frechet, strict=True))
        cells = [f"{found[count] / floor:.2f}" if count in found else "" for count in counts]
        enough = evaluations_needed(curve)
        is_last = enough == curve.num_evaluations[-1]
        rows.append((curve.solver, *cells, f"{enough}, or more" if is_last else str(enough)))
    many = "; ".join(
        f"{one.solver} {one.frechet[0]:.1f} at {one.num_evaluations[0]} and {one.frechet[1]:.1f} at "
        f"{one.num_evaluations[1]}"
        for one in evaluation.many
    )
    few = f" With {evaluation.many[0].num_images} images, distances themselves: {many}." if many else ""
    return section(
        "Quality against evaluations",
        svg(solver_figure(evaluation.curves, floor)) + table(("solver", *map(str, counts), "enough"), rows),
        f"Fréchet distance over that of real training images, {evaluation.curves[0].num_images} images a point, all "
        "from the same noise and grids uniform in lambda. Heun's method takes an odd number of evaluations. Enough: "
        f"the fewest evaluations from which on the distance is within 10 % of that at the most.{few}",
    )


def _likelihood_section(evaluation: ImageEvaluation) -> str:
    rows = [
        (name, str(bits.num_images), f"{bits.mean:.3f} ± {bits.standard_error:.3f}")
        for name, bits in evaluation.code_lengths.items()
    ]
    if not rows:
        return ""
    return section(
        "Likelihood",
        table(("", "images", "bits a dimension"), rows, data_rows=[row[0] for row in rows]),
        "Upper bounds on the code length, by the probability-flow ODE on uniformly dequantized images, given their "
        "labels; with the standard error over the images. Training images that are much cheaper are known by heart.",
    )


def _latent_section(evaluation: ImageEvaluation, pictures: Mapping[str, str]) -> str:
    if not evaluation.contenders:
        return ""
    rows = []
    for name, one in evaluation.contenders.items():
        minutes = "" if one.minutes is None else f"{one.minutes:.0f}"
        times = (f"{1000 * one.seconds:.1f}", f"{one.num_parameters / 1e6:.2f}", minutes)
        rows.append((*_row(name, one.quality), *times))
    note = "Times are processor time; the autoencoder, trained before, is not in the minutes of the latent model."
    if evaluation.reconstruction is not None:
        lost = evaluation.reconstruction
        note += (
            f" The autoencoder makes {lost.compression:.0f} numbers one; test images come back with a root mean square "
            f"error of {lost.rms_error:.3f} (white is 1), at a Fréchet distance of {lost.frechet:.2f} from themselves."
        )
    head = (*_QUALITY_HEAD, "ms an image", "M parameters", "minutes trained")
    return section("Latent against pixel diffusion", table(head, rows) + pictures.get("contenders", ""), note)
