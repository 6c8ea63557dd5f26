"""The `molediff` command: its parts, each in a file of this room; what takes time is loaded inside of them."""

from __future__ import annotations

from typing import Annotated

from typer import Context, Exit, Option, Typer

import molediff
from molediff.commands import (
    benchmark,
    citation,
    conformers,
    doctor,
    ensembles,
    evaluate,
    exits,
    film,
    images,
    merge,
    molecules,
    particles,
    train_words,
)
from molediff.commands.shell import PROGRAM, Command, app
from molediff.commands.weights import weights_app

_CODES = "\n".join(f"  {code:3} {meaning}" for code, meaning in exits.MEANINGS.items())


def _version(wanted: bool) -> None:
    if wanted:
        print(f"{PROGRAM} {molediff.__version__}")
        raise Exit


Version = Annotated[
    bool,
    Option(
        "--version", "-V", callback=_version, is_eager=True, help="Print the version.", show_default=False
    ),
]

main: Typer = app(
    no_args_is_help=True,
    epilog=f"\b\nExit codes:\n{_CODES}",
)


@main.callback()
def _main(version: Version = False) -> None:
    """Three-dimensional molecules by diffusion: from SMILES to conformers, and the mathematics behind them."""


for _name, _function, _short, _examples in (
    ("conformers", conformers.conformers, "Conformers of molecules, into a file", conformers.EXAMPLES),
    ("merge", merge.merge, "One file of those of conformers --shard", merge.EXAMPLES),
    ("molecules", molecules.molecules, "New molecules, graph and shape", molecules.EXAMPLES),
    ("particles", particles.particles, "Configurations of a particle system", particles.EXAMPLES),
    ("images", images.images, "Images of a trained model", images.EXAMPLES),
    ("film", film.film, "A molecule freezing out of noise", film.EXAMPLES),
    ("evaluate", evaluate.evaluate, "How good are molecules, or the samples of weights?", evaluate.EXAMPLES),
    ("benchmark", benchmark.benchmark, "The measurements of the documentation, again", benchmark.EXAMPLES),
    ("ensembles", ensembles.ensembles, "All low minima of molecules, by search", ensembles.EXAMPLES),
    ("doctor", doctor.doctor, "What is installed, what is missing, does it work?", None),
    ("citation", citation.citation, "What to cite", None),
):
    main.command(_name, cls=Command, short_help=_short, epilog=_examples)(_function)

main.add_typer(weights_app, name="weights", short_help="Trained weights: list, info, check")


@main.command(
    "train",
    cls=Command,
    short_help="Train a model; takes Hydra's words",
    epilog=train_words.EXAMPLES,
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def train(ctx: Context) -> None:
    """Train a model: what follows goes to Hydra as it stands, such as experiment=smoke; --help shows the keys."""
    train_words.train(ctx.args)
