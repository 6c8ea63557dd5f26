"""What `molediff conformers` says and writes to the streams of the shell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from molediff.commands.files import STANDARD
from molediff.runtime.words import counted

if TYPE_CHECKING:
    from molediff.molecules.files.export import ExportSummary
    from molediff.molecules.files.inputs import MoleculeInput
    from molediff.molecules.generation.result import GenerationResult

_MOST_OF_NAME = 100


def progress(inputs: Iterable[MoleculeInput], quiet: bool) -> Iterable[MoleculeInput]:
    """The inputs, and a bar on standard error while they are asked for."""
    from tqdm import tqdm

    return tqdm(inputs, unit=" molecules", disable=quiet or None, leave=False)


def to_standard_output(
    inputs: Iterable[MoleculeInput], generate_many: Callable[[Iterator[Any]], Iterable[GenerationResult]]
) -> ExportSummary:
    """Write SDF records as they come; Ctrl-C ends it behind a whole record."""
    from collections import deque

    from molediff.molecules.files.export import ExportSummary, NoInputError
    from molediff.molecules.files.output import ConformerWriter
    from molediff.runtime.interrupts import interrupts_held_back

    summary, writer = ExportSummary(), ConformerWriter(sys.stdout, ".sdf")
    pending: deque[MoleculeInput] = deque()

    def molecules() -> Iterator[Any]:
        for item in inputs:
            pending.append(item)
            yield item.molecule

    try:
        for result in generate_many(molecules()):
            with interrupts_held_back():
                item = pending.popleft()
                summary.count(item, result, writer.write(result, item.name, item.data))
                sys.stdout.flush()
    except KeyboardInterrupt as error:
        summary.end(error)
    if not any(summary.num_inputs.values()):
        raise NoInputError("no molecule in what was given to read")
    return summary


def tell(facts: Mapping[str, Any], quiet: bool) -> None:
    """The same for people, on standard error, so that standard output stays free for records."""
    counts, failures = facts["molecules"], facts["failures"]
    of_all = f"of {counted(counts['total'], 'molecule')}"
    lines = []
    if not quiet or facts["interrupted"]:
        lines.append(f"{'interrupted; ' if facts['interrupted'] else ''}{_made(facts)}")
    if number := counts["failed"]:
        lines.append(f"{number:,} {of_all} failed")
    if number := counts["partial"]:
        lines.append(f"{number:,} {of_all} with conformers, but not all that was asked for")
    lines += [f"  {_printed(failure['name'])}: {failure['reason']}" for failure in failures]
    if number := facts.get("num_cautions"):
        lines.append(f"{number:,} {of_all} with a word of caution")
        lines += [f"  {_printed(one['name'])}: {one['reason']}" for one in facts["cautions"]]
    if facts["report"]:
        lines.append(f"report: {facts['report']}")
    if failures and facts["status"]:
        lines.append(f"all of them, with reasons: {facts['status']}")
    print("\n".join(lines), file=sys.stderr, end="\n" if lines else "")


def _made(facts: Mapping[str, Any]) -> str:
    """Such as `out.sdf: 20 conformers of 1 molecule in 0.9 s, and 2.1 s to start`."""
    counts, output = facts["molecules"], facts["output"]
    num_done = counts["total"] - counts["failed"]
    made = f"{counted(facts['num_conformers'], 'conformer')} of {counted(num_done, 'molecule')}"
    if facts["done_before"]:
        return f"{output or 'this part'} was done before, {made}: --overwrite does it again"
    where = f"{output}: " if output not in (None, STANDARD) else ""
    if not facts["num_conformers"] and output is None:
        made = "nothing is written"
    drawing = facts["seconds"] - facts["seconds_to_start"]
    return f"{where}{made} in {drawing:.1f} s, and {facts['seconds_to_start']:.1f} s to start"


def _printed(name: str) -> str:
    """A name of an input, short, and with nothing in it that a terminal would obey."""
    text = name if len(name) <= _MOST_OF_NAME else f"{name[:_MOST_OF_NAME]}..."
    return text if text.isprintable() else ascii(text)
