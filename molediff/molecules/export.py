"""From a stream of inputs to files: conformers as SDF or XYZ, and a table with the status of every input."""

from __future__ import annotations

import csv
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from molediff.files import complete_file
from molediff.molecules.io import OUTPUT_SUFFIXES, ConformerWriter, MoleculeInput
from molediff.molecules.result import GenerationResult

STATUS_COLUMNS = ("index", "name", "smiles", "status", "num_conformers", "num_rejected", "reason")
NUM_FAILURES_KEPT = 10
UNREADABLE = "The record cannot be read as a molecule: check it with an editor of structures."


@dataclass
class ExportSummary:
    """What an export wrote.

    Attributes:
        num_inputs: how many inputs ended with each status ("ok", "partial", "failed").
        num_conformers: conformers written, over all inputs.
        failures: (name, reason) of the first inputs that are not "ok".
    """

    num_inputs: dict[str, int] = field(default_factory=lambda: {"ok": 0, "partial": 0, "failed": 0})
    num_conformers: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


def export_conformers(
    inputs: Iterable[MoleculeInput],
    generate_many: Callable[[Iterator[Any]], Iterable[GenerationResult]],
    output: str | os.PathLike[str],
    status: str | os.PathLike[str],
    provenance: Mapping[str, object],
) -> ExportSummary:
    """Generate conformers and write them as they come; both files appear, complete, at the end.

    Only the inputs that the generator has read ahead are held, never all of them or their results.

    Args:
        inputs: molecules, read lazily.
        generate_many: from an iterator of SMILES and Mols to their `GenerationResult`s in the same order.
        output: file for the conformers, `.sdf` or `.xyz`.
        status: file for the table, one row an input: `STATUS_COLUMNS`.
        provenance: how the conformers are made (weights, seed, ...), stored with each of them.

    Raises:
        ValueError: `output` has another suffix, or both files are the same.
        OSError: a file cannot be written; known before anything is generated.
    """
    output, status = Path(output), Path(status)
    if output.suffix.lower() not in OUTPUT_SUFFIXES:
        raise ValueError(f"conformers are written as {' or '.join(OUTPUT_SUFFIXES)}, not as '{output}'")
    if output.resolve() == status.resolve():
        raise ValueError(f"conformers and status cannot both go to {output}")
    summary = ExportSummary()
    pending: deque[MoleculeInput] = deque()

    def molecules() -> Iterator[Any]:
        for item in inputs:
            pending.append(item)
            yield item.molecule

    with ExitStack() as stack:
        writer = ConformerWriter(stack.enter_context(complete_file(output)), output.suffix, provenance)
        table = csv.writer(stack.enter_context(complete_file(status)))
        table.writerow(STATUS_COLUMNS)
        for index, result in enumerate(generate_many(molecules())):
            item = pending.popleft()
            written = writer.write(result, item.name)
            unreadable = item.molecule is None
            table.writerow(
                (
                    index,
                    item.name,
                    "" if unreadable else result.smiles,
                    result.status,
                    written,
                    _counts(result.num_rejected),
                    UNREADABLE if unreadable else result.reason,
                )
            )
            summary.num_inputs[result.status] += 1
            summary.num_conformers += written
            if result.status != "ok" and len(summary.failures) < NUM_FAILURES_KEPT:
                summary.failures.append((item.name, UNREADABLE if unreadable else result.reason))
    return summary


def _counts(num_rejected: Mapping[str, int]) -> str:
    """`stereo: 3; clash: 1`."""
    return "; ".join(f"{check}: {count}" for check, count in num_rejected.items() if count)
