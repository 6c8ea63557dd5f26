"""`molediff ensembles`: minima of one's own molecules, by search, to measure conformers against."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Exit, Option

from molediff.commands.exits import NONE_SUCCEEDED, SOME_FAILED
from molediff.commands.options import Column, Overwrite, in_files, in_machine
from molediff.commands.settings import Settings, configured, parsed

Molecules = Annotated[list[str], Argument(metavar="MOLECULE", help="SMILES, InChI, or files of molecules.")]
Output = Annotated[
    str, in_files("--output", "-o", metavar="FILE", help=".sdf or .sdf.gz, when all are done.")
]
Records = Annotated[
    str | None,
    in_files(
        "--records",
        metavar="FILE.jsonl",
        help="Grows by a line a molecule; a stopped run goes on there. Default: outputs/ensembles/OUTPUT.jsonl.",
    ),
]
Method = Annotated[
    str, Option("--method", metavar="gfn2|aimnet2", help="Whose minima count: GFN2-xTB's or AIMNet2's.")
]
Workers = Annotated[int, in_machine("--workers", min=1, metavar="N", help="Processes, one thread each.")]
Timeout = Annotated[
    float | None, in_machine("--timeout", metavar="S", help="Seconds, after which a molecule is given up.")
]
Retry = Annotated[bool, Option("--retry-failed", help="Do those again that an earlier run gave up.")]
Window = Annotated[float, Option("--window", metavar="E", help="kcal/mol above the lowest minimum.")]

EXAMPLES = """\
Examples:
  molediff ensembles 'OCC=O' -o glycolaldehyde.sdf
  molediff ensembles molecules.smi -o minima.sdf.gz --method aimnet2 --workers 4
"""


def ensembles(
    molecules: Molecules,
    output: Output = "ensembles.sdf",
    records: Records = None,
    smiles_column: Column = "smiles",
    overwrite: Overwrite = False,
    method: Method = "gfn2",
    window: Window = 6.0,
    workers: Workers = 2,
    timeout: Timeout = 600.0,
    retry_failed: Retry = False,
    settings: Settings = None,
) -> None:
    """Search all low minima of molecules, by GFN2-xTB (the extra xtb) or AIMNet2 (the extra aimnet2)."""
    from molediff.commands.files import check_new
    from molediff.runtime.checks import check_word

    check_word("--method", method, ("gfn2", "aimnet2"))
    check_new([output], overwrite)
    given = {
        "output": output,
        "records": records,
        "smiles_column": smiles_column,
        "method": method,
        "recipe.window": window,
        "num_processes": workers,
        "seconds_each": timeout,
        "retry_failed": retry_failed,
    }
    config = configured("build_ensembles", {}, {**given, **parsed(settings)})
    from molediff.commands.configured import call

    built = call(config, sources=molecules)
    if built.num_done == 0:
        raise Exit(NONE_SUCCEEDED)
    if built.num_failed:
        raise Exit(SOME_FAILED)
