"""SDF files: the one loop that reads records and the one function that writes them."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from rdkit import Chem, rdBase

from molediff.molecules.files.inputs import CUT_SHORT, open_bytes

SUFFIXES = (".sdf", ".sd", ".mol", ".sdf.gz")

_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class _Watched:
    """The bytes of an SDF file as they are read: whether they end within a record.

    Args:
        file: open for reading bytes, packed or not.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._tail = file, b""
        self.num_ended = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none where a packed file is cut short, which would be an error in the middle of RDKit."""
        try:
            data = self._file.read(size)
        except (EOFError, zlib.error):
            data, self._tail = b"", self._tail or b"?"
        *ended, self._tail = (self._tail + data).split(b"$$$$")
        self.num_ended += len(ended)
        return data

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands behind the last record that ended."""
        return not self._tail.strip()

    @property
    def is_cut_short(self) -> bool:
        """Whether what was read last is less than a molecule."""
        return not self.is_blank and b"M  END" not in self._tail


def read_records(
    path: str | os.PathLike[str], sanitize: bool = True
) -> Iterator[tuple[Chem.Mol | None, str]]:
    """The same as `read_sdf`, each with the reason why it cannot be read, where that is known.

    Where a file ends within a record, that one is there, too, as None.
    """
    with open_bytes(Path(path)) as file:
        watched = _Watched(file)
        records = iter(Chem.ForwardSDMolSupplier(watched, sanitize=sanitize, removeHs=False))
        num = 0
        while True:
            with rdBase.BlockLogs():
                try:
                    mol: Chem.Mol | None = next(records)
                except StopIteration:
                    break
            num += 1
            is_behind_the_last = records.atEnd() and num > watched.num_ended
            if (
                mol is None and is_behind_the_last and watched.is_blank
            ):  # RDKit takes empty lines for a record
                break
            yield mol, CUT_SHORT if mol is None and is_behind_the_last and watched.is_cut_short else ""
        if num <= watched.num_ended and watched.is_cut_short:
            yield None, CUT_SHORT


def read_sdf(path: str | os.PathLike[str], sanitize: bool = True) -> Iterator[Chem.Mol | None]:
    """The records of an SDF file (also `.gz`) or of a mol file, hydrogens included; None for one that cannot be read.

    One record is held at a time.

    Args:
        path: of the file.
        sanitize: refuse records whose bonds RDKit cannot make sense of (they become None).

    Raises:
        OSError: the file is missing or cannot be read.
    """
    return (mol for mol, _ in read_records(path, sanitize))


def title_of(mol: Chem.Mol | None) -> str:
    """The title of a record; empty if it has none, or one that is not text."""
    try:
        return mol.GetProp("_Name").strip() if mol is not None and mol.HasProp("_Name") else ""
    except UnicodeDecodeError:
        return ""


def sdf_record(mol: Chem.Mol, conformer_id: int, title: str, properties: Mapping[str, object]) -> str:
    """One record of an SDF file: a conformer with a title and properties, and with none of the molecule's own.

    A title that would end the record before it begins (`$$$$`), or that is not one printed line, is cleaned; the
    original is kept, as JSON, in the property `original_title`. Properties become one line each.
    """
    # Pickled without its properties: their names need not be text, and RDKit would write them.
    options = Chem.PropertyPickleOptions
    record = Chem.Mol(
        Chem.Mol(mol, confId=conformer_id).ToBinary(int(options.AtomProps | options.CoordsAsDouble))
    )
    cleaned = clean_title(title)
    record.SetProp("_Name", cleaned)
    if cleaned != " ".join(title.split()):
        properties = {"original_title": json.dumps(title), **properties}
    for key, value in properties.items():
        record.SetProp(key, one_line(str(value)))
    return str(Chem.SDWriter.GetText(record))


def clean_title(title: str) -> str:
    """`title` as one line that no reader of SDF takes for something else."""
    return one_line(title).lstrip("$> ") if title.lstrip().startswith(("$", ">")) else one_line(title)


def one_line(text: str) -> str:
    """Printed text in one line, and not one that ends the record or begins another property."""
    line = " ".join(_NOT_PRINTED.sub(" ", text).split())
    return f" {line}" if line.startswith(("$$$$", "> ", "><")) else line
