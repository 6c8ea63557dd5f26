"""Conformers as a table, one row each: a pandas DataFrame, and a Parquet file with the structures in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, BinaryIO

from rdkit import Chem

from molediff.molecules.files.records import RELATIVE, WEIGHT, Record
from molediff.molecules.hydrogens import bare_smiles
from molediff.molecules.perception.stereo import perceived_smiles
from molediff.runtime.extras import require

_SCALARS = {
    "name": "string",
    "smiles": "string",
    "isomeric_smiles": "string",
    "conformer": "int64",
    "energy_kcal_per_mol": "float64",
    RELATIVE: "float64",
    WEIGHT: "float64",
    "energy_method": "string",
    "seed": "int64",
    "sample": "int64",
    "attempt": "int64",
    "weights": "string",
    "weights_sha256": "string",
    "molediff": "string",
    "solver": "string",
    "num_steps": "int64",
}


def rows_of(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The conformers of one molecule as rows; None where something is not known.

    `isomeric_smiles` has the stereo that the coordinates show; what else is known of how they were made, beyond the
    columns that all results have, goes to the end.
    """
    seen = perceived_smiles(records[0].mol) if records else []
    by_id = (
        dict(zip((c.GetId() for c in records[0].mol.GetConformers()), seen, strict=True)) if records else {}
    )
    return [_row(record, by_id[record.conformer_id]) for record in records]


def _row(record: Record, isomeric_smiles: str) -> dict[str, Any]:
    made = dict(record.made)
    energy = record.energy
    row = {
        "name": record.title,
        "smiles": made.pop("SMILES", bare_smiles(record.mol)),
        "isomeric_smiles": isomeric_smiles,
        "conformer": made.pop("conformer", record.conformer_id),
        "energy_kcal_per_mol": None if energy is None else energy.value,
        RELATIVE: None if energy is None else energy.relative,
        WEIGHT: None if energy is None else energy.weight,
        "energy_method": None if energy is None else energy.method,
    }
    rest = {column: made.pop(column, None) for column in _SCALARS if column not in row}
    return {**row, **rest, **made}


def data_frame(records: Iterable[Sequence[Record]]) -> Any:
    """A pandas DataFrame with a row for every conformer of some molecules, each given as its records.

    Raises:
        ModuleNotFoundError: pandas is not installed.
    """
    require("pandas", "A DataFrame")
    import pandas

    rows = [row for mine in records for row in rows_of(mine)]
    frame = pandas.DataFrame(rows) if rows else pandas.DataFrame(columns=list(_SCALARS))
    types = {column: "Int64" for column, kind in _SCALARS.items() if kind == "int64"}
    types |= {column: "float64" for column, kind in _SCALARS.items() if kind == "float64"}
    return frame.astype(types)


class ParquetOutput:
    """A Parquet file, written a molecule at a time: the columns of the table, `provenance` as JSON for what has no
    column, `atomic_numbers`, `coordinates_angstrom` and, for reading back with all bonds, `molblock`.

    Args:
        file: open for writing bytes; the caller closes it.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
    """

    _ROWS_A_GROUP = 2048

    def __init__(self, file: BinaryIO) -> None:
        require("pyarrow", "A .parquet file")
        import pyarrow
        from pyarrow import parquet

        kinds = {"string": pyarrow.string(), "int64": pyarrow.int64(), "float64": pyarrow.float64()}
        numbers = pyarrow.list_(pyarrow.int64())
        points = pyarrow.list_(pyarrow.list_(pyarrow.float64(), 3))
        self._schema = pyarrow.schema(
            [
                *((column, kinds[kind]) for column, kind in _SCALARS.items()),
                ("provenance", pyarrow.string()),
                ("atomic_numbers", numbers),
                ("coordinates_angstrom", points),
                ("molblock", pyarrow.string()),
            ]
        )
        self._table_of = pyarrow.Table.from_pylist
        self._writer = parquet.ParquetWriter(file, self._schema)
        self._rows: list[dict[str, Any]] = []

    def add(self, records: Sequence[Record]) -> None:
        """Take the conformers of one molecule."""
        for row, record in zip(rows_of(records), records, strict=True):
            self._rows.append(_with_structure(row, record))
        if len(self._rows) >= self._ROWS_A_GROUP:
            self._flush()

    def __enter__(self) -> ParquetOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._table_of(self._rows, schema=self._schema))
        self._rows = []


def _with_structure(row: dict[str, Any], record: Record) -> dict[str, Any]:
    known = {column: row[column] for column in _SCALARS}
    known["name"] = str(known["name"]).encode("utf-8", "replace").decode()
    more = {key: value for key, value in row.items() if key not in _SCALARS}
    return {
        **known,
        "provenance": json.dumps(more, default=str),
        "atomic_numbers": [atom.GetAtomicNum() for atom in record.mol.GetAtoms()],
        "coordinates_angstrom": record.positions.tolist(),
        "molblock": Chem.MolToMolBlock(record.mol, confId=record.conformer_id),
    }
