"""SDF files: the one loop that reads records and the one function that writes them."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rdkit import Chem, rdBase

from molediff.molecules.files.inputs import CUT_SHORT, open_bytes

SUFFIXES = (".sdf", ".sd", ".mol", ".sdf.gz")

NO_SDF = (
    "The file does not look like an SDF: it has neither a counts line, as a molecule has, nor a line $$$$. "
    "A list of SMILES is read from a file that ends in .smi."
)
_END_OF_RECORD = b"\n$$$$"
_COUNTS = re.compile(rb"^[ \d]{6}.*V[23]000", re.MULTILINE)
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_BRACKETS = str.maketrans("", "", "<>")


class SDRecord(NamedTuple):
    """One record: its molecule, or None and the reason why it cannot be read, where that is known."""

    mol: Chem.Mol | None
    title: str
    reason: str


class _Watched:
    """The bytes of an SDF file as they are read: whether they end within a record, and the titles of records.

    Args:
        file: open for reading bytes, packed or not.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._tail = file, b"\n"  # as behind a record, so that all of them begin alike
        self._is_cut, self._titles = False, deque[str]()
        self.num_ended = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none where a packed file is cut short, which would be an error in the middle of RDKit."""
        try:
            data = self._file.read(size)
        except (EOFError, zlib.error):
            data, self._is_cut = b"", True
        *ended, self._tail = (self._tail + data).split(_END_OF_RECORD)
        self.num_ended += len(ended)
        self._titles.extend(map(_first_line, ended))
        return data

    def next_title(self) -> str:
        """The title of the record that is next, to be asked for once; RDKit has none of what it cannot read."""
        if self._is_other:
            return ""
        return self._titles.popleft() if self._titles else _first_line(self._tail)

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands behind the last record that ended."""
        return not self._is_cut and not self._tail.strip()

    @property
    def is_cut_short(self) -> bool:
        """Whether what was read last is less than a molecule."""
        return not self.is_blank and b"M  END" not in self._tail

    @property
    def fault(self) -> str:
        """What to say of an end within a record."""
        return NO_SDF if self._is_other else CUT_SHORT

    @property
    def _is_other(self) -> bool:
        """Whether nothing that was read so far is of an SDF file."""
        return not self._is_cut and self.num_ended == 0 and not _COUNTS.search(self._tail)


def _first_line(record: bytes) -> str:
    """The title of a record that begins with the end of the line before it; empty if it has none, or no text."""
    with suppress(UnicodeDecodeError):
        return b"".join(record.split(b"\n", 2)[1:2]).decode().strip()
    return ""


def read_records(path: str | os.PathLike[str], sanitize: bool = True) -> Iterator[SDRecord]:
    """The same as `read_sdf`, each with its title, and the reason why it cannot be read, where that is known.

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
            num, title = num + 1, watched.next_title()
            is_behind_the_last = records.atEnd() and num > watched.num_ended
            if (
                mol is None and is_behind_the_last and watched.is_blank
            ):  # RDKit takes empty lines for a record
                break
            is_cut = mol is None and is_behind_the_last and watched.is_cut_short
            yield SDRecord(mol, title if mol is None else title_of(mol), watched.fault if is_cut else "")
        if num <= watched.num_ended and not watched.is_blank:  # RDKit may pass over what it cannot read
            yield SDRecord(None, watched.next_title(), watched.fault if watched.is_cut_short else "")


def read_sdf(path: str | os.PathLike[str], sanitize: bool = True) -> Iterator[Chem.Mol | None]:
    """The records of an SDF file (also `.gz`) or of a mol file, hydrogens included; None for one that cannot be read.

    One record is held at a time.

    Args:
        path: of the file.
        sanitize: refuse records whose bonds RDKit cannot make sense of (they become None).

    Raises:
        OSError: the file is missing or cannot be read.
    """
    return (record.mol for record in read_records(path, sanitize))


def title_of(mol: Chem.Mol | None) -> str:
    """The title of a record; empty if it has none, or one that is not text."""
    try:
        return mol.GetProp("_Name").strip() if mol is not None and mol.HasProp("_Name") else ""
    except UnicodeDecodeError:
        return ""


def data_of(mol: Chem.Mol) -> dict[str, str]:
    """The data fields of a record by their names; those that are no text (UTF-8) are passed over."""
    found = {}
    with suppress(UnicodeDecodeError):
        for name in mol.GetPropNames():
            with suppress(RuntimeError, UnicodeDecodeError):
                found[name] = str(mol.GetProp(name))
    return found


def sdf_record(
    mol: Chem.Mol,
    conformer_id: int,
    title: str,
    properties: Mapping[str, object],
    data: Mapping[str, str] | None = None,
) -> str:
    """One record of an SDF file: a conformer with a title and properties, and with none of the molecule's own.

    A title that would end the record before it begins (`$$$$`), or that is not one printed line, is cleaned; the
    original is kept, as JSON, in the property `original_title`. Properties become one line each; further `data`, of
    other names, keep their lines.
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
    for key, value in (data or {}).items():
        name = one_line(key.translate(_NO_BRACKETS))
        if name and not name.startswith("_") and not record.HasProp(name):  # `_Name` and its like are RDKit's
            record.SetProp(name, _lines(value))
    return str(Chem.SDWriter.GetText(record))


def clean_title(title: str) -> str:
    """`title` as one line that no reader of SDF takes for something else."""
    return one_line(title).lstrip("$> ") if title.lstrip().startswith(("$", ">")) else one_line(title)


def _lines(text: str) -> str:
    """The printed lines of a field, none of them empty, which would end it, nor one that begins something else."""
    lines = (_NOT_PRINTED.sub(" ", line).rstrip() for line in text.split("\n"))
    return "\n".join(f" {line}" if _begins_other(line) else line for line in lines if line)


def one_line(text: str) -> str:
    """Printed text in one line, and not one that ends the record or begins another property."""
    line = " ".join(_NOT_PRINTED.sub(" ", text).split())
    return f" {line}" if _begins_other(line) else line


def _begins_other(line: str) -> bool:
    return line.startswith(("$$$$", "> ", "><"))
