"""`molediff particles`: configurations of a particle system."""

from __future__ import annotations

from typing import Annotated

from molediff.commands.options import (
    BATCH_SIZE,
    Device,
    Overwrite,
    Seed,
    Threads,
    in_files,
    in_machine,
    in_sampling,
)

Output = Annotated[
    str,
    in_files(
        "--output",
        "-o",
        metavar="FILE",
        help=".npz with x (n, N, d) and energy, with --density also log_density and log_weight; or .xyz.",
    ),
]
Film = Annotated[
    str | None,
    in_files("--film", metavar="FILE.gif", help="Also a film of the first one coming out of noise."),
]
Number = Annotated[int, in_sampling("--num-samples", "-n", min=1, metavar="N")]
Weights = Annotated[str, in_sampling("--weights", metavar="NAME", help="lj13, dw4, or a .safetensors file.")]
Density = Annotated[
    bool, in_sampling("--density", help="With their exact log-densities, in five times the time.")
]
Nodes = Annotated[
    int, in_sampling("--num-nodes", min=1, metavar="N", help="Of the integration; more is more exact.")
]
Steps = Annotated[
    int, in_sampling("--num-steps", min=1, metavar="N", help="Runge-Kutta steps between two nodes.")
]
Batch = Annotated[int | None, BATCH_SIZE]
Compile = Annotated[
    bool, in_machine("--compile", help="Compile the network: minutes, for half the time a density.")
]
Diameter = Annotated[float, in_files("--diameter", metavar="D", help="Of the balls in the film.")]

EXAMPLES = """\
Examples:
  molediff particles --weights lj13 -n 100 -o lj13.xyz
  molediff particles --weights dw4 -n 1000 --density -o dw4.npz
"""


def particles(
    num_samples: Number = 1000,
    seed: Seed = 0,
    density: Density = False,
    output: Output = "particles.npz",
    film: Film = None,
    diameter: Diameter = 1.0,
    overwrite: Overwrite = False,
    weights: Weights = "lj13",
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
