"""One molecule as a file gives it, and text and bytes of files that may be compressed."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from rdkit import Chem

CUT_SHORT = (
    "The file ends within this record, as if it were cut short: get it again whole. All before it was read."
)


@dataclass(frozen=True)
class MoleculeInput:
    """One molecule as its source gives it: nothing is checked yet.

    Attributes:
        molecule: SMILES, or the Mol of a record with coordinates, or None if the record cannot be read.
        name: title in the file, or the SMILES.
        reason: why it cannot be read, where that is known.
        data: what else its record or row has, by the names of fields and columns; it goes on to the results.
    """

    molecule: str | Chem.Mol | None
    name: str
    reason: str = ""
    data: Mapping[str, str] = field(default_factory=dict, compare=False)


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked if its name ends in `.gz`."""
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")


def open_text(path: Path, newline: str | None = None) -> TextIO:
    """The text of a file, unpacked if its name ends in `.gz`; bytes that are no UTF-8 do not stop a reader.

    UTF-16, as some programs of Windows write it, is known by the mark that it begins with.
    """
    file, mark = cast(io.BufferedReader, open_bytes(path)), b""
    with suppress(EOFError, zlib.error):  # of a packed file that is cut short, which reading will tell
        mark = file.peek(2)[:2]
    encoding = "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    return io.TextIOWrapper(file, encoding=encoding, errors="replace", newline=newline)


def stem_of(path: Path) -> str:
    """The name of a file without its endings."""
    return path.name.split(".")[0]
