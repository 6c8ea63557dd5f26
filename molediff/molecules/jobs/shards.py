"""Array jobs: each job takes every n-th input and writes files of its own, which `merge_shards` puts together again.

    # job i of n, such as $SLURM_ARRAY_TASK_ID of 1 to n
    export_shard(read_inputs(["big.smi"]), generate_many, "out.sdf", Shard.parse("3/8"), settings)
    # when all are done
    merge_shards("out.sdf")

A conformer does not depend on what is done beside it: the rows are those of one run, to the last digits of floats.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rdkit import Chem

from molediff.molecules.files.export import NUM_FAILURES_KEPT, ExportSummary, export_conformers
from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.files.output import output_suffix
from molediff.molecules.generation.result import GenerationResult
from molediff.runtime.files import write_bytes

_WORDS = re.compile(r"(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True)
class Shard:
    """Which inputs a job takes: `number` of `of`, counted from 1.

    Raises:
        ValueError: there is no such part.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise ValueError(
                f"a shard is i/n with i from 1 to n, such as 3/8; got {self.number}/{self.of}"
                + (" (the first is 1)" if self.number == 0 else "")
            )

    @classmethod
    def parse(cls, words: str) -> Shard:
        """Of "3/8".

        Raises:
            ValueError: it is something else, or out of range.
        """
        found = _WORDS.fullmatch(words.strip())
        if found is None:
            raise ValueError(f"a shard is i/n, such as 3/8; got {words!r}")
        return cls(int(found[1]), int(found[2]))

    def holds(self, index: int) -> bool:
        """Whether input `index`, counted from 0, is in it."""
        return index % self.of == self.number - 1

    def name_of(self, output: str | os.PathLike[str]) -> Path:
        """The file of this shard that goes into `output`: `out.sdf.gz` becomes `out.shard-3-of-8.sdf.gz`."""
        path, suffix = Path(output), output_suffix(output)
        digits = len(str(self.of))
        stem = path.name[: -len(suffix)]
        return path.with_name(f"{stem}.shard-{self.number:0{digits}}-of-{self.of}{path.name[-len(suffix) :]}")


@dataclass(frozen=True)
class Manifest:
    """What a shard says of itself when it is done.

    Attributes:
        number, of: which it is.
        num_inputs: inputs of the whole run.
        inputs_sha256: digest of their names, in order.
        settings: of the run: they must be the same in all shards.
        num_conformers: in the file of this shard; there is no file if it has none.
    """

    number: int
    of: int
    num_inputs: int
    inputs_sha256: str
    settings: Mapping[str, Any]
    num_conformers: int

    @property
    def num_mine(self) -> int:
        """Inputs of this shard."""
        return len(range(self.number - 1, self.num_inputs, self.of))

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_bytes(path, (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read what `write` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is no record of a shard ({error}): run this shard again") from None


def manifest_of(shard_output: Path) -> Path:
    """The record beside the file of a shard."""
    return shard_output.with_name(f"{shard_output.name}.json")


def status_of(shard_output: Path) -> Path:
    """The table of inputs beside the file of a shard."""
    return shard_output.with_name(f"{shard_output.name}.status.csv")


class _Counted:
    """The inputs of a shard, while all are counted and go into a digest."""

    def __init__(self, inputs: Iterable[MoleculeInput], shard: Shard) -> None:
        self._inputs, self._shard = inputs, shard
        self.digest, self.num = hashlib.sha256(), 0

    def __iter__(self) -> Iterator[MoleculeInput]:
        for item in self._inputs:
            text = item.molecule if isinstance(item.molecule, str) else ""
            size = item.molecule.GetNumAtoms() if isinstance(item.molecule, Chem.Mol) else -1
            self.digest.update(f"{item.name}\0{text}\0{size}\n".encode(errors="surrogatepass"))
            mine = self._shard.holds(self.num)
            self.num += 1
            if mine:
                yield item


def export_shard(
    inputs: Iterable[MoleculeInput],
    generate_many: Callable[[Iterator[Any]], Iterable[GenerationResult]],
    output: str | os.PathLike[str],
    shard: Shard,
    settings: Mapping[str, Any],
    provenance: Mapping[str, object] | None = None,
    overwrite: bool = False,
    interrupted_as: Callable[[Path], Path] = lambda path: path,
) -> ExportSummary:
    """Generate the conformers of one shard and write its file, its table of inputs, and last its record.

    Args:
        inputs: all inputs of the run, the same for every shard; read lazily.
        generate_many: as for `export_conformers`.
        output: of the whole run; the file of the shard is `shard.name_of(output)`.
        shard: which inputs are taken.
        settings: what the run is made with (weights, seed, numbers, ...), plain values: shards of another run are told
            by them.
        provenance: as for `export_conformers`.
        overwrite: do it again although it is done, or files of another run are there.
        interrupted_as: as for `export_conformers`.

    Returns:
        What was written. A shard that is done already, with the same settings, is not done again.

    Raises:
        ValueError: this shard of another run is there, or the output has another ending.
        OSError: a file cannot be written.
    """
    path = shard.name_of(output)
    settings = json.loads(json.dumps(settings, default=str))
    record = manifest_of(path)
    if record.exists() and not overwrite:
        former = Manifest.read(record)
        if former.settings == settings:
            return _done_before(former, status_of(path))
        raise ValueError(
            f"{path} is of a run with other settings ({_differences(former.settings, settings)}): name another output, "
            "or replace it by overwrite=True"
        )
    record.unlink(missing_ok=True)  # until this one is done, none is there
    counted = _Counted(inputs, shard)
    summary = _export(counted, generate_many, path, provenance, interrupted_as)
    if not summary.interrupted:
        digest = counted.digest.hexdigest()
        Manifest(shard.number, shard.of, counted.num, digest, settings, summary.num_conformers).write(record)
    return summary


def _done_before(manifest: Manifest, table: Path) -> ExportSummary:
    """What is known of a shard that is there: its table says what became of the inputs."""
    summary = ExportSummary(num_conformers=manifest.num_conformers, done_before=True)
    if table.exists():
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                summary.num_inputs[row["status"]] += 1
                if row["status"] != "ok" and len(summary.failures) < NUM_FAILURES_KEPT:
                    summary.failures.append((row["name"], row["reason"]))
    return summary


def _export(
    counted: _Counted,
    generate_many: Callable[[Iterator[Any]], Iterable[GenerationResult]],
    path: Path,
    provenance: Mapping[str, object] | None,
    interrupted_as: Callable[[Path], Path],
) -> ExportSummary:
    for former in (path, status_of(path)):
        former.unlink(missing_ok=True)
    inputs = iter(counted)
    first = next(inputs, None)
    if first is None:  # more shards than inputs
        if not counted.num:
            raise ValueError("no molecule in what was given to read")
        return ExportSummary()

    def all_of_them() -> Iterator[MoleculeInput]:
        yield first
        yield from inputs

    return export_conformers(
        all_of_them(), generate_many, path, status_of(path), provenance, interrupted_as=interrupted_as
    )


def _differences(former: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Such as `seed: 1, now 2`."""
    names = sorted({*former, *settings})
    return "; ".join(
        f"{name}: {former.get(name)}, now {settings.get(name)}"
        for name in names
        if former.get(name) != settings.get(name)
    )
