"""What `molediff conformers` says and writes to the streams of the shell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from molediff.commands.files import STANDARD

if TYPE_CHECKING:
    from molediff.molecules.files.export import ExportSummary
    from molediff.molecules.files.inputs import MoleculeInput
    from molediff.molecules.generation.result import GenerationResult

_MOST_OF_NAME = 100


def to_standard_output(
    inputs: Iterable[MoleculeInput], generate_many: Callable[[Iterator[Any]], Iterable[GenerationResult]]
) -> ExportSummary:
    """Write SDF records as they come; Ctrl-C ends it behind a whole record."""
    from collections import deque

    from molediff.molecules.files.export import ExportSummary, NoInputError
    from molediff.molecules.files.output import ConformerWriter

    summary, writer = ExportSummary(), ConformerWriter(sys.stdout, ".sdf")
    pending: deque[MoleculeInput] = deque()

    def molecules() -> Iterator[Any]:
        for item in inputs:
            pending.append(item)
            yield item.molecule

    for result in generate_many(molecules()):
        item = pending.popleft()
        summary.count(item, result, writer.write(result, item.name))
        sys.stdout.flush()
    if not any(summary.num_inputs.values()):
        raise NoInputError("no molecule in what was given to read")
    return summary


def tell(facts: Mapping[str, Any], quiet: bool) -> None:
    """The same for people, on standard error, so that standard output stays free for records."""
    counts, failures = facts["molecules"], facts["failures"]
    done = counts["total"] - counts["failed"]
    lines = []
    if not quiet or facts["interrupted"]:
        where = f"{facts['output']}: " if facts["output"] not in (None, STANDARD) else ""
        made = f"{where}{_number(facts['num_conformers'], 'conformer')} of {_number(done, 'molecule')}"
        lines.append(f"{'interrupted; ' if facts['interrupted'] else ''}{made} in {facts['seconds']:.1f} s")
    for word, number in (("failed", counts["failed"]), ("came out in part", counts["partial"])):
        if number:
            lines.append(f"{number} of {_number(counts['total'], 'molecule')} {word}")
    lines += [f"  {_printed(failure['name'])}: {failure['reason']}" for failure in failures]
    if number := facts.get("num_cautions"):
        lines.append(f"{number} of {_number(counts['total'], 'molecule')} with a word of caution")
        lines += [f"  {_printed(one['name'])}: {one['reason']}" for one in facts["cautions"]]
    if facts["report"]:
        lines.append(f"report: {facts['report']}")
    if failures and facts["status"]:
        lines.append(f"all of them, with reasons: {facts['status']}")
    print("\n".join(lines), file=sys.stderr, end="\n" if lines else "")


def _printed(name: str) -> str:
    """A name of an input, short, and with nothing in it that a terminal would obey."""
    text = name if len(name) <= _MOST_OF_NAME else f"{name[:_MOST_OF_NAME]}..."
    return text if text.isprintable() else ascii(text)


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
