"""Put the shards of an array job together, in the order of the inputs, after seeing that each is there once."""

from __future__ import annotations

import contextlib
import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from molediff.molecules.files.export import STATUS_COLUMNS, ExportSummary
from molediff.molecules.files.inputs import open_text
from molediff.molecules.files.output import output_suffix
from molediff.molecules.jobs.shards import Manifest, status_of
from molediff.runtime.extras import require
from molediff.runtime.files import complete_binary_file, complete_file, complete_gzip_file
from molediff.runtime.words import counted

_NUMBERS = re.compile(r"\.shard-(\d+)-of-(\d+)$")


def find_shards(output: str | os.PathLike[str]) -> list[tuple[Path, Manifest]]:
    """The files of the shards that go into `output`, and their records, in order.

    Raises:
        ValueError: one is missing, double or not done, or they are of different runs; the message names them.
    """
    path, suffix = Path(output), output_suffix(output)
    stem, ending = path.name[: -len(suffix)], path.name[-len(suffix) :]
    found: dict[int, list[tuple[Path, Manifest]]] = {}
    for record in sorted(path.parent.glob(f"{_escaped(stem)}.shard-*-of-*{ending}.json")):
        file = record.with_name(record.name.removesuffix(".json"))
        if _NUMBERS.search(file.name[: -len(ending)]):
            manifest = Manifest.read(record)
            found.setdefault(manifest.number, []).append((file, manifest))
    if not found:
        raise ValueError(
            f"there is no shard of {path}: run them first, or name the output that they were given"
        )
    first = next(iter(found.values()))[0][1]
    for shards in found.values():
        for file, manifest in shards:
            for name in ("of", "num_inputs", "inputs_sha256", "settings"):
                if getattr(manifest, name) != getattr(first, name):
                    raise ValueError(
                        f"{file.name} is of another run ({name} differs): remove what does not belong together"
                    )
        if len(shards) > 1:
            raise ValueError(
                f"shard {shards[0][1].number} is there twice: {', '.join(f.name for f, _ in shards)}"
            )
    missing = [number for number in range(1, first.of + 1) if number not in found]
    if missing:
        words = ", ".join(map(str, missing[:20])) + (", ..." if len(missing) > 20 else "")
        raise ValueError(
            f"{len(missing)} of {counted(first.of, 'shard')} missing or not done: {words}. Run them, then merge"
        )
    return [found[number][0] for number in range(1, first.of + 1)]


def merge_shards(
    output: str | os.PathLike[str], status: str | os.PathLike[str] | None = None
) -> ExportSummary:
    """Write `output` and the table of all inputs from the shards that lie beside it, in the order of the inputs.

    The shards stay. One molecule is held at a time.

    Args:
        output: as the shards were given it, `.sdf`, `.sdf.gz` or `.parquet`.
        status: the table. None: `OUTPUT.status.csv`.

    Raises:
        ValueError: see `find_shards`; a shard does not hold what its table says; or the ending is another.
        OSError: a file cannot be read or written.
    """
    path, suffix = Path(output), output_suffix(output)
    if suffix not in (".sdf", ".sdf.gz", ".parquet"):
        raise ValueError(f"shards of .sdf, .sdf.gz and .parquet are merged, not of '{path}'")
    shards = find_shards(path)
    summary = ExportSummary()
    with complete_file(status or status_of(path)) as table, contextlib.ExitStack() as stack:
        writer = csv.writer(table)
        writer.writerow(STATUS_COLUMNS)
        tables = [_rows(file, manifest, stack) for file, manifest in shards]
        with _open(path, suffix) as out:
            sources = [_records(file, manifest, suffix, stack) for file, manifest in shards]
            for index in range(shards[0][1].num_inputs):
                place = index % len(shards)
                row = next(tables[place], None)
                if row is None:
                    raise ValueError(
                        f"{status_of(shards[place][0]).name} has fewer rows than inputs: run it again"
                    )
                number = int(row["num_conformers"])
                out.write(_taken(sources[place], number, shards[place][0]))
                summary.num_inputs[row["status"]] += 1
                summary.num_conformers += number
                row |= {"index": str(index), "output": path.name}
                writer.writerow([row[name] for name in STATUS_COLUMNS])
            for rest, (file, _) in zip(sources, shards, strict=True):
                if next(rest, None) is not None:
                    raise ValueError(f"{file.name} has more conformers than its table says: run it again")
    return summary


def _escaped(text: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", text)


def _rows(file: Path, manifest: Manifest, stack: contextlib.ExitStack) -> Iterator[dict[str, str]]:
    if manifest.num_mine == 0:
        return iter(())
    return iter(csv.DictReader(stack.enter_context(status_of(file).open(newline="", encoding="utf-8"))))


def _records(file: Path, manifest: Manifest, suffix: str, stack: contextlib.ExitStack) -> Iterator[Any]:
    if manifest.num_conformers == 0:
        return iter(())
    if suffix == ".parquet":
        return _table_rows(file)
    return _sdf_records(stack.enter_context(open_text(file, newline="")))


def _sdf_records(file: TextIO) -> Iterator[str]:
    lines: list[str] = []
    for line in file:
        lines.append(line)
        if line.startswith("$$$$"):
            yield "".join(lines)
            lines = []


def _table_rows(file: Path) -> Iterator[Any]:
    from pyarrow import parquet

    for batch in parquet.ParquetFile(file).iter_batches(batch_size=256):
        for place in range(batch.num_rows):
            yield batch.slice(place, 1)


def _taken(records: Iterator[Any], number: int, file: Path) -> list[Any]:
    taken = [record for _, record in zip(range(number), records, strict=False)]
    if len(taken) < number:
        raise ValueError(f"{file.name} has fewer conformers than its table says: run it again")
    return taken


class _Text:
    def __init__(self, file: TextIO) -> None:
        self.file = file

    def write(self, records: list[str]) -> None:
        self.file.write("".join(records))


class _Parquet:
    """Row groups of some thousand conformers, as single rows would be slow to read."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.writer: Any = None
        self.waiting: list[Any] = []

    def write(self, records: list[Any]) -> None:
        self.waiting += records
        if len(self.waiting) >= 4096:
            self.flush()

    def flush(self) -> None:
        import pyarrow
        from pyarrow import parquet

        if not self.waiting:
            return
        table = pyarrow.Table.from_batches(self.waiting)
        self.writer = self.writer or parquet.ParquetWriter(self.file, table.schema)
        self.writer.write_table(table.combine_chunks())
        self.waiting = []

    def close(self) -> None:
        self.flush()
        if self.writer is not None:
            self.writer.close()


@contextlib.contextmanager
def _open(path: Path, suffix: str) -> Iterator[_Text | _Parquet]:
    if suffix == ".parquet":
        require("pyarrow", "A .parquet file")
        with complete_binary_file(path) as binary:
            table = _Parquet(binary)
            yield table
            table.close()
    else:
        with complete_gzip_file(path) if suffix.endswith(".gz") else complete_file(path) as text:
            yield _Text(text)
