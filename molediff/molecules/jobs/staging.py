"""Inputs of any kind as Parquet parts with ids, which every machine reads alike, and the rows that came of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from rdkit import Chem

from molediff.molecules.files.inputs import MoleculeInput
from molediff.molecules.generation.result import WHOLE_MOL
from molediff.runtime.files import complete_binary_file, write_bytes
from molediff.runtime.words import counted

INPUTS, ROWS, DONE, RECORD = "inputs", "rows", "done", "run.json"
_INPUTS_A_PART = 10_000


def stage(inputs: Iterable[MoleculeInput], folder: Path, settings: Mapping[str, Any]) -> int:
    """Write the inputs of a run into `folder/inputs`, or see that those of the same run are there; return their number.

    Memory does not grow with their number.

    Args:
        inputs: read lazily.
        folder: of the run, which all machines see.
        settings: of the run, plain values.

    Raises:
        ValueError: the folder holds another run, or there are no inputs.
    """
    settings, record = json.loads(json.dumps(settings, default=str)), folder / RECORD
    former = json.loads(record.read_text(encoding="utf-8")) if record.exists() else None
    if former is None and folder.exists() and any((folder / name).exists() for name in (ROWS, DONE)):
        raise ValueError(f"{folder} holds rows of a run of which nothing else is known: name another folder")
    if former is not None and former["settings"] != settings:
        raise ValueError(f"{folder} holds a run with other settings: name another folder")
    if former is None:  # parts of a staging that was cut off
        for left in (folder / INPUTS).glob("part-*.parquet"):
            left.unlink()
    digest, num, stream = hashlib.sha256(), 0, iter(inputs)
    for part in _numbers():
        items = list(islice(stream, _INPUTS_A_PART))
        if not items:
            break
        rows = [_row(num + place, item) for place, item in enumerate(items)]
        num += len(rows)
        for row in rows:
            digest.update(repr((row["name"], row["smiles"], row["mol"])).encode(errors="surrogatepass"))
        if former is None:
            _write_part(folder / INPUTS / f"part-{part:06d}.parquet", rows)
    if num == 0:
        raise ValueError("no molecule in what was given to read")
    found = {"num_inputs": num, "inputs_sha256": digest.hexdigest(), "settings": settings}
    if former is None:
        write_bytes(record, json.dumps(found, indent=1, sort_keys=True).encode())
    elif former != found:
        raise ValueError(f"{folder} holds a run of other inputs: name another folder")
    return num


def rows_of(folder: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The rows of a run as they lie in its files, one at a time; `id` tells the order of the inputs."""
    from pyarrow import parquet

    for path in sorted((Path(folder) / ROWS).rglob("*.parquet")):
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=256):
            yield from batch.to_pylist()


def check_rows(folder: str | os.PathLike[str]) -> None:
    """See that every input has one row.

    Raises:
        ValueError: one is missing or double.
    """
    import numpy as np
    from pyarrow import parquet

    folder = Path(folder)
    num = json.loads((folder / RECORD).read_text(encoding="utf-8"))["num_inputs"]
    times = np.zeros(num, dtype=np.int64)
    for path in (folder / ROWS).rglob("*.parquet"):
        np.add.at(times, parquet.read_table(path, columns=["id"]).column("id").to_numpy(), 1)
    missing, double = np.flatnonzero(times == 0), np.flatnonzero(times > 1)
    if len(missing) or len(double):
        words = [
            f"{counted(len(ids), 'input')} with {what} (such as {ids[0]})"
            for what, ids in (("no row", missing), ("more than one", double))
            if len(ids)
        ]
        raise ValueError(f"{folder}: {' and '.join(words)}; run it again with the same settings")


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def _row(number: int, item: MoleculeInput) -> dict[str, Any]:
    mol = item.molecule
    return {
        "id": number,
        "name": item.name,
        "smiles": mol if isinstance(mol, str) else None,
        "mol": mol.ToBinary(int(WHOLE_MOL)) if isinstance(mol, Chem.Mol) else None,
    }


def _write_part(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow
    from pyarrow import parquet

    types = {
        "id": pyarrow.int64(),
        "name": pyarrow.string(),
        "smiles": pyarrow.string(),
        "mol": pyarrow.binary(),
    }
    with complete_binary_file(path) as file:
        parquet.write_table(pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(types.items())), file)
