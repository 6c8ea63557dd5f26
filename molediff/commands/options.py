"""Options that several commands share: one name, one meaning, one help."""

from __future__ import annotations

from typing import Annotated

from typer import Option

FILES, SAMPLING, MACHINE = "Input and output", "Sampling", "Machine"

Seed = Annotated[
    int, Option("--seed", min=0, help="The same seed gives the same samples.", rich_help_panel=SAMPLING)
]
Device = Annotated[
    str | None,
    Option("--device", metavar="cpu|cuda", help="Default: a GPU if there is one.", rich_help_panel=MACHINE),
]
Threads = Annotated[
    int | None,
    Option(
        "--threads", min=1, metavar="N", help="CPU threads. Default: torch's choice.", rich_help_panel=MACHINE
    ),
]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace files that exist.", rich_help_panel=FILES)]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Print errors alone.")]
Json = Annotated[bool, Option("--json", help="Print what was done as JSON, for machines.")]
