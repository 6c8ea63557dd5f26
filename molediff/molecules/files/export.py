"""From a stream of inputs to files: conformers, and a table with the status of every input."""

from __future__ import annotations

import csv
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.files.output import open_output, output_suffix
from molediff.molecules.generation.result import GenerationResult
from molediff.runtime.files import complete_file
from molediff.runtime.interrupts import Terminated, interrupts_held_back

STATUS_COLUMNS = ("index", "name", "smiles", "status", "num_conformers", "num_rejected", "reason", "output")
NUM_FAILURES_KEPT = 10
UNREADABLE = "The record cannot be read as a molecule: check it with an editor of structures."


@dataclass
class ExportSummary:
    """What an export wrote.

    Attributes:
        num_inputs: how many inputs ended with each status ("ok", "partial", "failed").
        num_conformers: conformers written, over all inputs.
        failures: (name, reason) of the first inputs that are not "ok".
        cautions: (name, reason) of the first inputs that are "ok" and come with a word of caution.
        num_cautions: how many have one.
        former_status: where the table of another output now is that was in the place of this one's; None if none was.
        interrupted: Ctrl-C came, or the request to end, before all inputs were done; what was done is written.
        terminated: it was the request to end.
        done_before: the files were there, complete, from an earlier run of the same; nothing was drawn.
    """

    num_inputs: dict[str, int] = field(default_factory=lambda: {"ok": 0, "partial": 0, "failed": 0})
    num_conformers: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    cautions: list[tuple[str, str]] = field(default_factory=list)
    num_cautions: int = 0
    former_status: Path | None = None
    interrupted: bool = False
    terminated: bool = False
    done_before: bool = False

    def end(self, error: KeyboardInterrupt) -> None:
        """Note that the run was ended before its end.

        Raises:
            KeyboardInterrupt: nothing was done until then.
        """
        if not any(self.num_inputs.values()):
            raise error
        self.interrupted, self.terminated = True, isinstance(error, Terminated)

    def count(self, item: MoleculeInput, result: GenerationResult, written: int) -> None:
        """Take in one result, of which `written` conformers were written."""
        self.num_inputs[result.status] += 1
        self.num_conformers += written
        if result.status != "ok" and len(self.failures) < NUM_FAILURES_KEPT:
            self.failures.append((item.name, _reason(item, result)))
        elif result.status == "ok" and result.reason:
            self.num_cautions += 1
            if len(self.cautions) < NUM_FAILURES_KEPT:
                self.cautions.append((item.name, result.reason))


class NoInputError(ValueError):
    """There was no molecule to begin with."""


class _NoConformers(Exception):
    """Keeps a file of conformers from appearing that would be empty."""


def export_conformers(
    inputs: Iterable[MoleculeInput],
    generate_many: Callable[[Iterator[Any]], Iterable[GenerationResult]],
    output: str | os.PathLike[str],
    status: str | os.PathLike[str],
    provenance: Mapping[str, object] | None = None,
    each: Callable[[GenerationResult, str], object] | None = None,
    interrupted_as: Callable[[Path], Path] = lambda path: path,
) -> ExportSummary:
    """Generate conformers and write them as they come; both files appear, complete, at the end.

    Ctrl-C is an end, too, and so is `Terminated`: the files then have what was done until then, whole records, and the
    summary says so.

    Without any conformer there is only the table, and a file that is already there keeps what it has. The table
    replaces one of the same output; a table of another output in its place is kept under a number (`status.1.csv`).

    Only the inputs that the generator has read ahead are held, never all of them or their results.

    Args:
        inputs: molecules, read lazily.
        generate_many: from an iterator of SMILES and Mols to their `GenerationResult`s in the same order.
        output: file for the conformers, of one of `output.OUTPUT_SUFFIXES`.
        status: file for the table, one row an input: `STATUS_COLUMNS`.
        provenance: what to store with every conformer beyond `GenerationResult.provenance`.
        each: called with every result and the name of its input, once it is written, such as `ReportWriter.add`.
        interrupted_as: from the name of a file to that which it gets if the run is interrupted, in the same folder:
            what is there under the first then stays.

    Raises:
        ValueError: `output` has another suffix, or both files are the same.
        NoInputError: there are no inputs.
        OSError: a file cannot be written; known before anything is generated.
        KeyboardInterrupt: Ctrl-C came before the first result; the files are as they were.
    """
    output, status = Path(output), Path(status)
    output_suffix(output)
    if output.resolve() == status.resolve():
        raise ValueError(f"conformers and status cannot both go to {output}")
    summary = ExportSummary()
    pending: deque[MoleculeInput] = deque()

    def molecules() -> Iterator[Any]:
        for item in inputs:
            pending.append(item)
            yield item.molecule

    def named(path: Path) -> Path:
        return interrupted_as(path) if summary.interrupted else path

    # Both files are opened at once, so that an unwritable place is known before any work is done.
    with (
        complete_file(status, lambda: named(status)) as status_file,
        suppress(_NoConformers),
        open_output(output, provenance, lambda: named(output)) as writer,
    ):
        table = csv.writer(status_file)
        table.writerow(STATUS_COLUMNS)
        try:
            for index, result in enumerate(generate_many(molecules())):
                with interrupts_held_back():
                    item = pending.popleft()
                    written = writer.write(result, item.name, item.data)
                    table.writerow(_row(index, item, result, written, output.name))
                    summary.count(item, result, written)
                if each is not None:
                    each(result, item.name)
        except KeyboardInterrupt as error:
            summary.end(error)
        if not any(summary.num_inputs.values()):
            raise NoInputError("no molecule in what was given to read: the files are as they were")
        summary.former_status = _set_aside(named(status), output)
        if summary.num_conformers == 0:
            raise _NoConformers
    return summary


def _set_aside(status: Path, output: Path) -> Path | None:
    """Rename a table that lies at `status` and is not of `output`, and say how it is called now.

    It gets the first number that is free or has an older table of the same output, which it replaces.
    """
    if not status.exists():
        return None
    former = _output_of(status)
    if former in ("", output.name):
        return None
    names = (status.with_name(f"{status.stem}.{number}{status.suffix}") for number in itertools.count(1))
    free = next(name for name in names if not name.exists() or former == _output_of(name) is not None)
    return status.replace(free)


def _output_of(status: Path) -> str | None:
    """Of which output a table is: empty if it has no row, None if it is no table of ours."""
    with status.open(newline="", errors="replace") as file:
        reader = csv.DictReader(file)
        with suppress(csv.Error):
            first = next(reader, None)
            if reader.fieldnames == list(STATUS_COLUMNS):
                return "" if first is None else first["output"]
    return None


def _row(
    index: int, item: MoleculeInput, result: GenerationResult, written: int, output: str
) -> tuple[object, ...]:
    smiles = result.smiles if item.molecule is not None else ""
    rejected, reason = _counts(result.num_rejected), _reason(item, result)
    return index, item.name, smiles, result.status, written, rejected, reason, output


def _reason(item: MoleculeInput, result: GenerationResult) -> str:
    return result.reason if item.molecule is not None else item.reason or UNREADABLE


def _counts(num_rejected: Mapping[str, int]) -> str:
    """`stereo: 3; clash: 1`."""
    return "; ".join(f"{check}: {count}" for check, count in num_rejected.items() if count)
