"""`molediff images`: images of a trained model."""

from __future__ import annotations

from typing import Annotated

from molediff.commands.options import (
    BATCH_SIZE,
    GRID,
    Device,
    Eta,
    Overwrite,
    Seed,
    Threads,
    in_files,
    in_sampling,
)

Output = Annotated[str, in_files("--output", "-o", metavar="FILE.png", help="The images side by side.")]
Array = Annotated[str | None, in_files("--array", metavar="FILE.npz", help="Also as numbers, with labels.")]
Film = Annotated[str | None, in_files("--film", metavar="FILE.gif", help="Also noise turning into images.")]
Columns = Annotated[
    int | None, in_files("--columns", min=1, metavar="N", help="Images a row. Default: a square.")
]
Number = Annotated[
    int, in_sampling("--num-images", "-n", min=1, metavar="N", help="With --by-class, of each class.")
]
Label = Annotated[
    str | None, in_sampling("--label", metavar="CLASS", help="Number or name of a class. Default: any.")
]
ByClass = Annotated[bool, in_sampling("--by-class", help="One row for every class.")]
Guidance = Annotated[
    float, in_sampling("--guidance", metavar="W", help="0: none; more sharpens the label; -1 ignores it.")
]
Weights = Annotated[
    str,
    in_sampling("--weights", metavar="NAME", help="digits, digits32, digits_latent, or a .safetensors file."),
]
Solver = Annotated[str, in_sampling("--solver", metavar="NAME", help="How noise becomes images.")]
Steps = Annotated[int, in_sampling("--num-steps", min=1, metavar="N", help="Of the solver.")]
Grid = Annotated[str, GRID]
Batch = Annotated[int, BATCH_SIZE]

EXAMPLES = """\
Examples:
  molediff images --label 7 --guidance 2 -o sevens.png
  molediff images --by-class -n 16 --guidance 1 -o classes.png --film digits.gif
"""


def images(
    num_images: Number = 64,
    seed: Seed = 0,
    label: Label = None,
    by_class: ByClass = False,
    guidance: Guidance = 0.0,
    output: Output = "images.png",
    array: Array = None,
    film: Film = None,
    columns: Columns = None,
    overwrite: Overwrite = False,
    weights: Weights = "digits",
    solver: Solver = "dpmpp_2m",
    num_steps: Steps = 20,
    eta: Eta = None,
    grid: Grid = "uniform_lambda",
    batch_size: Batch = 256,
    device: Device = None,
    threads: Threads = None,
) -> None:
    """Draw images and write them as a picture."""
    from molediff.commands.files import check_new

    check_new([output, array, film], overwrite)
    from molediff.commands.threads import use_threads
    from molediff.core.solvers import solver_named
    from molediff.evaluation.images.run import sample

    use_threads(threads)
    sample(
        output=output,
        array=array,
        film=film,
        num_images=num_images,
        label=int(label) if label is not None and label.lstrip("-").isdigit() else label,
        by_class=by_class,
        guidance=guidance,
        columns=columns,
        seed=seed,
        weights=weights,
        num_steps=num_steps,
        solver=solver_named(solver, eta),
        grid=grid,
        batch_size=batch_size,
        film_images=64,
        film_steps=40,
        device=device,
    )
