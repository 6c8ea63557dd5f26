"""`molediff images`: images of a trained model."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from molediff.commands.options import FILES, MACHINE, SAMPLING, Device, Overwrite, Seed, Threads

Output = Annotated[
    str, Option("--output", "-o", metavar="FILE.png", help="The images side by side.", rich_help_panel=FILES)
]
Array = Annotated[
    str | None,
    Option("--array", metavar="FILE.npz", help="Also as numbers, with labels.", rich_help_panel=FILES),
]
Film = Annotated[
    str | None,
    Option("--film", metavar="FILE.gif", help="Also noise turning into images.", rich_help_panel=FILES),
]
Columns = Annotated[
    int | None,
    Option("--columns", min=1, metavar="N", help="Images a row. Default: a square.", rich_help_panel=FILES),
]
Number = Annotated[
    int,
    Option(
        "--num-images",
        "-n",
        min=1,
        metavar="N",
        help="With --by-class, of each class.",
        rich_help_panel=SAMPLING,
    ),
]
Label = Annotated[
    str | None,
    Option(
        "--label", metavar="CLASS", help="Number or name of a class. Default: any.", rich_help_panel=SAMPLING
    ),
]
ByClass = Annotated[bool, Option("--by-class", help="One row for every class.", rich_help_panel=SAMPLING)]
Guidance = Annotated[
    float,
    Option(
        "--guidance",
        metavar="W",
        help="0: none; more sharpens the label; -1 ignores it.",
        rich_help_panel=SAMPLING,
    ),
]
Weights = Annotated[
    str,
    Option(
        "--weights",
        metavar="NAME",
        help="digits, digits32, digits_latent, or a .safetensors file.",
        rich_help_panel=SAMPLING,
    ),
]
Solver = Annotated[str, Option("--solver", metavar="NAME", help="As in Python.", rich_help_panel=SAMPLING)]
Steps = Annotated[
    int, Option("--num-steps", min=1, metavar="N", help="Of the solver.", rich_help_panel=SAMPLING)
]
Eta = Annotated[
    float | None,
    Option("--eta", metavar="X", help="Noise of ddim and euler_maruyama.", rich_help_panel=SAMPLING),
]
Grid = Annotated[
    str, Option("--grid", metavar="NAME", help="Spacing of the steps.", rich_help_panel=SAMPLING)
]
Batch = Annotated[
    int, Option("--batch-size", min=1, metavar="N", help="At a time; bounds memory.", rich_help_panel=MACHINE)
]

EXAMPLES = """\
Examples:
  molediff images --label 7 --guidance 2 -o sevens.png
  molediff images --by-class -n 16 --guidance 1 -o classes.png --film digits.gif
"""


def images(
    num_images: Number = 64,
    output: Output = "images.png",
    array: Array = None,
    film: Film = None,
    columns: Columns = None,
    overwrite: Overwrite = False,
    seed: Seed = 0,
    weights: Weights = "digits",
    label: Label = None,
    by_class: ByClass = False,
    guidance: Guidance = 0.0,
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
