"""Options that several commands share: one name, one meaning, one help; and the groups that a help shows them in."""

from __future__ import annotations

from typing import Annotated, Any

from typer import Option

SAMPLING, MACHINE = "Sampling", "Machine"


def in_files(*names: str, **settings: Any) -> Any:
    """An option of what goes in and out."""
    return Option(*names, rich_help_panel="Input and output", **settings)


def in_sampling(*names: str, **settings: Any) -> Any:
    """An option of how samples are drawn."""
    return Option(*names, rich_help_panel=SAMPLING, **settings)


def in_machine(*names: str, **settings: Any) -> Any:
    """An option of what a command uses of the machine."""
    return Option(*names, rich_help_panel=MACHINE, **settings)


Column = Annotated[str, in_files("--smiles-column", metavar="NAME", help="Header of the SMILES in tables.")]
Overwrite = Annotated[bool, in_files("--overwrite", help="Replace files that exist.")]
Seed = Annotated[int, in_sampling("--seed", min=0, metavar="N", help="The same seed gives the same samples.")]
SOLVER = in_sampling(
    "--solver", metavar="NAME", help="How noise becomes samples. Default: as the weights are meant."
)
GRID = in_sampling("--grid", metavar="NAME", help="Spacing of the steps.")
Eta = Annotated[float | None, in_sampling("--eta", metavar="X", help="Noise of ddim and euler_maruyama.")]
BATCH_SIZE = in_machine("--batch-size", min=1, metavar="N", help="At a time; bounds memory.")
Device = Annotated[
    str | None, in_machine("--device", metavar="cpu|cuda", help="Default: a GPU if there is one.")
]
Threads = Annotated[
    int | None, in_machine("--threads", min=1, metavar="N", help="CPU threads. Default: torch's choice.")
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Print errors alone.")]
Json = Annotated[bool, Option("--json", help="Print what was done as JSON, for machines.")]
