"""Molecules from tables that have a column of SMILES: `.csv`, `.tsv` and `.parquet`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rdkit import Chem, rdBase

from molediff.molecules.files.inputs import MoleculeInput, open_bytes, open_text
from molediff.runtime.extras import require

_STRUCTURES = "molblock"
"""A column of mol blocks, as our own tables have it, goes before the SMILES: it has coordinates."""
_ONE_WORD = re.compile(r"[\w.-]+")


def open_csv(path: Path, smiles_column: str, delimiter: str) -> Iterator[MoleculeInput]:
    """The rows of a table as text.

    Raises:
        ValueError: there is no such column, or no header. Raised at once, not with the first row.
        OSError: the file cannot be read.
    """
    with open_text(path, newline="") as file:
        try:
            header = next(csv.reader(file, delimiter=delimiter), [])
        except csv.Error as error:
            raise ValueError(f"the header of {path} cannot be read ({error})") from None
    columns = _columns(path, header, smiles_column)
    return _read_csv(path, header, columns[smiles_column.lower()], columns.get("name"), delimiter)


def _columns(path: Path, header: Sequence[str], smiles_column: str) -> dict[str, int]:
    columns = {name.strip().lower(): place for place, name in reversed(list(enumerate(header)))}
    if smiles_column.lower() not in columns:
        if not header:
            raise ValueError(
                f"{path} has no column '{smiles_column}': it is empty, or begins with an empty line"
            )
        found = ", ".join(header)
        joined = next((mark for mark in (";", "\t", "|") if len(header) == 1 and mark in header[0]), None)
        hint = f"; {joined!r} separates them: make it a comma, or a tab in a .tsv file" if joined else ""
        likely = next(
            (name for name in header if "smiles" in name.lower() and _ONE_WORD.fullmatch(name)), "NAME"
        )
        hint = hint or f": smiles_column='{likely}' says which of them has the SMILES"
        raise ValueError(f"{path} has no column '{smiles_column}' (its columns are {found}){hint}")
    return columns


def _read_csv(
    path: Path, header: Sequence[str], smiles_column: int, name_column: int | None, delimiter: str
) -> Iterator[MoleculeInput]:
    others = {
        name.strip(): place
        for place, name in reversed(list(enumerate(header)))
        if place not in (smiles_column, name_column)
    }
    with open_text(path, newline="") as file:
        rows = csv.reader(file, delimiter=delimiter)
        next(rows)
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            # Such as a field of more than 131,072 characters: the row is lost, the next is not.
            except csv.Error:
                yield MoleculeInput(None, f"{path.stem}, line {rows.line_num}")
                continue
            if row:
                smiles = row[smiles_column].strip() if smiles_column < len(row) else ""
                named = name_column is not None and name_column < len(row)
                name = row[name_column or 0] if named else smiles if name_column is None else ""
                data = {
                    key: row[at] for key, at in reversed(others.items()) if at < len(row) and row[at].strip()
                }
                yield MoleculeInput(smiles, name, data=data)


def open_parquet(path: Path, smiles_column: str) -> Iterator[MoleculeInput]:
    """The rows of a Parquet file, a group of them at a time: of its column `molblock`, else of its SMILES.

    Raises:
        ValueError: it is no Parquet file, or has neither column. Raised at once.
        ModuleNotFoundError: pyarrow is not installed.
    """
    require("pyarrow", "A .parquet file")
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(open_bytes(path))
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{path} cannot be read as Parquet ({str(error).splitlines()[0]})") from None
    header = table.schema_arrow.names
    if _STRUCTURES in header:
        return _read_parquet(table, _STRUCTURES, "name" if "name" in header else None)
    columns = _columns(path, header, smiles_column)
    name = header[columns["name"]] if "name" in columns else None
    return _read_parquet(table, header[columns[smiles_column.lower()]], name)


def _read_parquet(table: Any, column: str, name_column: str | None) -> Iterator[MoleculeInput]:
    wanted = [column, *([name_column] if name_column else [])]
    for batch in table.iter_batches(batch_size=1024, columns=wanted):
        for row in batch.to_pylist():
            text = "" if row[column] is None else str(row[column])
            name = text if name_column is None else "" if row[name_column] is None else str(row[name_column])
            if column != _STRUCTURES:
                yield MoleculeInput(text.strip(), name)
                continue
            with rdBase.BlockLogs():
                yield MoleculeInput(Chem.MolFromMolBlock(text, removeHs=False), name)
