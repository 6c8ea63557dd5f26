"""`molediff particles`: configurations of a particle system."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from molediff.commands.options import FILES, MACHINE, SAMPLING, Device, Overwrite, Seed, Threads

Output = Annotated[
    str,
    Option(
        "--output",
        "-o",
        metavar="FILE",
        help=".npz with x (n, N, d) and energy, with --density also log_density and log_weight; or .xyz.",
        rich_help_panel=FILES,
    ),
]
Film = Annotated[
    str | None,
    Option(
        "--film",
        metavar="FILE.gif",
        help="Also a film of the first one coming out of noise.",
        rich_help_panel=FILES,
    ),
]
Number = Annotated[int, Option("--num-samples", "-n", min=1, metavar="N", rich_help_panel=SAMPLING)]
Weights = Annotated[
    str,
    Option("--weights", metavar="NAME", help="lj13, dw4, or a .safetensors file.", rich_help_panel=SAMPLING),
]
Density = Annotated[
    bool,
    Option(
        "--density", help="With their exact log-densities, in five times the time.", rich_help_panel=SAMPLING
    ),
]
Nodes = Annotated[
    int,
    Option(
        "--num-nodes",
        min=1,
        metavar="N",
        help="Of the integration; more is more exact.",
        rich_help_panel=SAMPLING,
    ),
]
Steps = Annotated[
    int,
    Option(
        "--num-steps",
        min=1,
        metavar="N",
        help="Runge-Kutta steps between two nodes.",
        rich_help_panel=SAMPLING,
    ),
]
Batch = Annotated[
    int | None,
    Option("--batch-size", min=1, metavar="N", help="At a time; bounds memory.", rich_help_panel=MACHINE),
]
Compile = Annotated[
    bool,
    Option(
        "--compile",
        help="Compile the network: minutes, for half the time a density.",
        rich_help_panel=MACHINE,
    ),
]
Diameter = Annotated[
    float, Option("--diameter", metavar="D", help="Of the balls in the film.", rich_help_panel=FILES)
]

EXAMPLES = """\
Examples:
  molediff particles --weights lj13 -n 100 -o lj13.xyz
  molediff particles --weights dw4 -n 1000 --density -o dw4.npz
"""


def particles(
    num_samples: Number = 1000,
    output: Output = "particles.npz",
    film: Film = None,
    overwrite: Overwrite = False,
    diameter: Diameter = 1.0,
    seed: Seed = 0,
    weights: Weights = "lj13",
    density: Density = False,
    num_nodes: Nodes = 24,
    num_steps: Steps = 2,
    batch_size: Batch = None,
    compile_network: Compile = False,
    device: Device = None,
    threads: Threads = None,
) -> None:
    """Draw configurations of a particle system and write them."""
    from molediff.commands.files import check_new

    check_new([output, film], overwrite)
    from molediff.commands.threads import use_threads
    from molediff.evaluation.particles.run import sample

    use_threads(threads)
    sample(
        output,
        film,
        weights,
        num_samples,
        seed,
        density,
        num_nodes,
        num_steps,
        batch_size,
        compile_network,
        diameter,
        device,
    )
