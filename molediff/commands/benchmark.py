"""`molediff benchmark`: the measurements of configs/benchmark/."""

from __future__ import annotations

import itertools
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from molediff.commands import CONFIGS
from molediff.commands.options import Overwrite, in_files
from molediff.commands.settings import Settings, configured, parsed

Name = Annotated[str | None, Argument(metavar="NAME", help="Which; without it, they are listed.")]
Output = Annotated[
    str | None, in_files("--output", "-o", metavar="FILE.json", help="Default: outputs/benchmark/NAME.json.")
]

EXAMPLES = """\
Examples:
  molediff benchmark                                   # which there are
  molediff benchmark speed -o speed.json --set sampling.num_molecules=10
"""


def benchmark(
    name: Name = None, output: Output = None, overwrite: Overwrite = False, settings: Settings = None
) -> None:
    """Measure what NAME says, print what is found, and write it as JSON."""
    from molediff.commands.files import check_new

    if name is None:
        print("\n".join(_listed()))
        return
    config = configured("benchmark", {"benchmark": name}, parsed(settings), under="benchmark")
    file = output or f"outputs/benchmark/{name}.json"
    check_new([file], overwrite, make_folder=output is None)
    measure(config.benchmark, file)


def measure(config: Any, output: str) -> None:
    """Call what a config of the group `benchmark` names, and write its figures with the machine and the protocol."""
    from omegaconf import OmegaConf

    from molediff.commands.configured import call
    from molediff.runtime.describe import describe_machine
    from molediff.runtime.files import complete_file

    protocol = OmegaConf.to_container(config, resolve=True)
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    with complete_file(output) as file:
        figures = call(config)
        json.dump(
            {**describe_machine(), "date": date, "protocol": protocol, "figures": figures}, file, indent=2
        )
    print(f"written to {output}")


def _listed() -> list[str]:
    """One line a benchmark: its name and the first line of its config."""
    members = sorted((CONFIGS / "benchmark").glob("*.yaml"))
    width = max(len(path.stem) for path in members)
    return [f"{path.stem:{width}}  {_first_words(path)}" for path in members]


def _first_words(path: Path) -> str:
    """The first sentence of the comment at the head of a config."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = itertools.takewhile(lambda line: line.startswith("#"), lines)
    words = " ".join(line.removeprefix("#").strip() for line in head if "@package" not in line)
    return re.split(r"(?<=[.?])\s", words)[0]
