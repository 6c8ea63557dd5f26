"""`molediff evaluate`: how good are molecules of a file, or the samples of weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Exit

from molediff.commands import exits
from molediff.commands.files import check_new
from molediff.commands.options import SOLVER, Device, Overwrite, Threads, in_files, in_sampling
from molediff.commands.settings import Settings, configured, parsed
from molediff.runtime.words import counted

Files = Annotated[
    list[str] | None,
    Argument(metavar="FILE", help="Molecules with coordinates, to report on.", show_default=False),
]
Weights = Annotated[
    str | None, in_sampling("--weights", metavar="NAME", help="Measure samples of these weights instead.")
]
References = Annotated[
    str | None,
    in_sampling("--references", metavar="FILE", help="Their reference conformers (.sdf). Default: QM9."),
]
Output = Annotated[
    str | None,
    in_files(
        "--output",
        "-o",
        metavar="NAME",
        help="The page (.html) on FILEs, default report.html; of weights a folder, default outputs/evaluation.",
    ),
]
Number = Annotated[
    int | None, in_sampling("--num-conformers", "-n", min=1, metavar="N", help="Of each reference molecule.")
]
Molecules = Annotated[
    int | None, in_sampling("--num-molecules", min=1, metavar="N", help="The first of the references.")
]
Seed = Annotated[int | None, in_sampling("--seed", min=0, metavar="N")]
Solver = Annotated[str | None, SOLVER]
Steps = Annotated[int | None, in_sampling("--num-steps", min=1, metavar="N")]
Viewer = Annotated[
    bool,
    in_sampling(
        "--viewer/--no-viewer",
        help="In the page on --weights, molecules that can be turned: 5 MB of its size.",
    ),
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
    weights: Weights = None,
    viewer: Viewer = True,
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
    if weights is None:
        for option, value in (
            *given.items(),
            ("solver", solver),
            ("set", settings),
            ("no-viewer", not viewer),
        ):
            if value:
                raise ValueError(
                    f"--{option.replace('_', '-')} goes with --weights; a report on files takes none"
                )
        raise Exit(of_files(files or [], output or "report.html", overwrite))
    else:
        of_weights(weights, output, viewer, solver, {**given, **parsed(settings)})


def of_files(files: list[str], output: str, overwrite: bool) -> int:
    """Write the page on molecules of files, say what is odd on standard error, and return the exit code."""
    if not output.lower().endswith((".html", ".htm")):
        raise ValueError(f"the report is a page, FILE.html; got {output}")
    if missing := [file for file in files if file != "-" and not Path(file).exists()]:
        raise FileNotFoundError(f"there is no file {missing[0]}")
    check_new([output], overwrite)
    from molediff.evaluation.conformers.inspection.report import report_on_files

    found = report_on_files(files, output, progress=True)
    molecules = counted(found.num_molecules, "molecule")
    print(
        f"{output}: {counted(found.num_conformers, 'conformer')} of {molecules}, {found.num_bad:,} not to be used as "
        f"{'it is' if found.num_bad == 1 else 'they are'}, {found.num_warned:,} with warnings",
        file=sys.stderr,
    )
    if found.num_without:
        print(f"{found.num_without:,} of {molecules} without conformers: the page says why", file=sys.stderr)
    return (
        exits.NONE_SUCCEEDED
        if not found.num_conformers
        else exits.SOME_FAILED
        if found.num_without
        else exits.OK
    )


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
