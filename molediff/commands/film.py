"""`molediff film`: a molecule that freezes out of noise."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from molediff.commands.options import GRID, Overwrite, Seed, Threads, in_files, in_sampling

Molecule = Annotated[str, Argument(metavar="MOLECULE", help="A SMILES or an InChI.")]
Output = Annotated[
    str,
    in_files("--output", "-o", metavar="NAME", help="Pictures NAME.gif, the film, and NAME.png, a strip."),
]
MaxAtoms = Annotated[
    int | None,
    in_sampling(
        "--max-atoms", min=1, metavar="N", help="Refuse larger molecules, hydrogens counted. Default: 64."
    ),
]
Weights = Annotated[str, in_sampling("--weights", metavar="NAME", help="Weights that draw from noise.")]
Steps = Annotated[
    int, in_sampling("--num-steps", min=1, metavar="N", help="More than sampling needs, for a smooth film.")
]
Grid = Annotated[str, GRID]

EXAMPLES = """\
Examples:
  molediff film 'OC[C@H](N)c1ccoc1' -o freezing
"""


def film(
    molecule: Molecule,
    output: Output = "freezing",
    overwrite: Overwrite = False,
    seed: Seed = 0,
    weights: Weights = "qm9",
    num_steps: Steps = 40,
    grid: Grid = "uniform_t",
    max_atoms: MaxAtoms = None,
    threads: Threads = None,
) -> None:
    """Film a molecule freezing out of noise, and draw the film as a strip."""
    from molediff.commands.files import check_new

    name = output.removesuffix(".gif").removesuffix(".png")
    check_new([f"{name}.gif", f"{name}.png"], overwrite)
    from molediff.commands.threads import use_threads
    from molediff.evaluation.conformers.run import freeze

    use_threads(threads)
    freeze([molecule], name, seed, weights, num_steps, grid, max_atoms)
