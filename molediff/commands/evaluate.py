"""`molediff evaluate`: how good are molecules of a file, or the samples of weights."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from typer import Argument, Exit, Option

from molediff.commands.files import check_new
from molediff.commands.options import FILES, SAMPLING, Device, Overwrite, Threads
from molediff.commands.settings import Settings, configured, parsed

Files = Annotated[
    list[str] | None,
    Argument(metavar="FILE", help="Molecules with coordinates, to report on.", show_default=False),
]
Weights = Annotated[
    str | None,
    Option(
        "--weights",
        metavar="NAME",
        help="Measure samples of these weights instead.",
        rich_help_panel=SAMPLING,
    ),
]
References = Annotated[
    str | None,
    Option(
        "--references",
        metavar="FILE",
        help="Their reference conformers (.sdf). Default: QM9.",
        rich_help_panel=SAMPLING,
    ),
]
Output = Annotated[
    str | None,
    Option(
        "--output",
        "-o",
        metavar="NAME",
        help="The page (.html) on FILEs, default report.html; of weights a folder, default outputs/evaluation.",
        rich_help_panel=FILES,
    ),
]
Number = Annotated[
    int | None,
    Option(
        "--num-conformers",
        "-n",
        min=1,
        metavar="N",
        help="Of each reference molecule.",
        rich_help_panel=SAMPLING,
    ),
]
Molecules = Annotated[
    int | None,
    Option(
        "--num-molecules", min=1, metavar="N", help="The first of the references.", rich_help_panel=SAMPLING
    ),
]
Seed = Annotated[int | None, Option("--seed", min=0, metavar="N", rich_help_panel=SAMPLING)]
Solver = Annotated[
    str | None,
    Option("--solver", metavar="NAME", help="Default: as the weights are meant.", rich_help_panel=SAMPLING),
]
Steps = Annotated[int | None, Option("--num-steps", min=1, metavar="N", rich_help_panel=SAMPLING)]
Viewer = Annotated[
    bool, Option("--viewer/--no-viewer", help="Molecules that can be turned; 5 MB.", rich_help_panel=FILES)
]

_CONFIGS = {"conformers": "molecules", "graphs": "whole", "images": "images", "particles": "particles"}
"""Of configs/evaluate/, by the kind of weights."""

EXAMPLES = """\
Examples:
  molediff evaluate mine.sdf -o report.html
  molediff evaluate --weights qm9 --references data/demo.sdf -o report
  molediff evaluate --weights lj13 --set num_samples=200
"""


def evaluate(
    files: Files = None,
    output: Output = None,
    overwrite: Overwrite = False,
    viewer: Viewer = True,
    weights: Weights = None,
    references: References = None,
    num_molecules: Molecules = None,
    num_conformers: Number = None,
    seed: Seed = None,
    solver: Solver = None,
    num_steps: Steps = None,
    device: Device = None,
    threads: Threads = None,
    settings: Settings = None,
) -> None:
    """Report on molecules of one's own, or measure the samples of weights against references."""
    if bool(files) == bool(weights):
        raise ValueError("name files of molecules, or --weights NAME, and not both")
    given = {
        "references": references,
        "num_molecules": num_molecules,
        "num_conformers": num_conformers,
        "seed": seed,
        "num_steps": num_steps,
        "device": device,
        "threads": threads,
    }
    given = {key: value for key, value in given.items() if value is not None}
    from molediff.commands.exits import NONE_SUCCEEDED

    if weights is None:
        for option, value in (*given.items(), ("solver", solver), ("set", settings)):
            if value:
                raise ValueError(
                    f"--{option.replace('_', '-')} goes with --weights; a report on files takes none"
                )
        if of_files(files or [], output or "report.html", overwrite) == 0:
            raise Exit(NONE_SUCCEEDED)
    else:
        of_weights(weights, output, viewer, solver, {**given, **parsed(settings)})


def of_files(files: list[str], output: str, overwrite: bool) -> int:
    """Write the page on molecules of files, say what is odd on standard error, and return how many conformers."""
    if not output.lower().endswith((".html", ".htm")):
        raise ValueError(f"the report is a page, FILE.html; got {output}")
    check_new([output], overwrite)
    from molediff.evaluation.conformers.inspection.report import report_on_files

    found = report_on_files(files, output, progress=True)
    print(
        f"{output}: {found.num_conformers:,} conformers of {found.num_molecules:,} molecules, {found.num_bad:,} not to "
        f"be used as they are, {found.num_warned:,} with warnings",
        file=sys.stderr,
    )
    return found.num_conformers


def of_weights(
    weights: str, output: str | None, viewer: bool, solver: str | None, given: dict[str, Any]
) -> None:
    """Measure samples of weights, as the config of their kind says.

    Raises:
        ValueError: there are no measurements of this kind, or it has no such setting.
    """
    from molediff.commands.weights import facts_of
    from molediff.networks.pretrained import find_weights

    kind = facts_of(find_weights(weights))["kind"]
    member = _CONFIGS.get(kind)
    if member is None:
        raise ValueError(
            f"there is no measurement of weights of {kind}: there is one of {', '.join(_CONFIGS)}"
        )
    settings = {**given, "weights": weights}
    if output is not None:
        settings["output"] = output
    if member == "molecules":
        settings["viewer"] = viewer
    config = configured("evaluate", {"evaluate": member, "solver": solver}, settings)
    from molediff.commands.configured import call

    call(config)
