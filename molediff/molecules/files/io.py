"""Molecules in from SMILES and files: one at a time, so that no list of them is ever held."""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from rdkit import Chem, rdBase

from molediff.molecules.files import sdf
from molediff.molecules.files.inputs import CUT_SHORT, open_bytes, open_text, stem_of
from molediff.molecules.files.inputs import MoleculeInput as MoleculeInput
from molediff.molecules.files.mol2 import read_mol2
from molediff.molecules.files.pdb import read_pdb
from molediff.molecules.files.tables import open_csv, open_parquet
from molediff.molecules.files.xyz import read_xyz

INPUT_SUFFIXES = (
    ".smi",
    ".inchi",
    ".csv",
    ".tsv",
    ".sdf",
    ".sd",
    ".mol",
    ".mol2",
    ".pdb",
    ".xyz",
    ".parquet",
)
"""Files that molecules are read from; each also with `.gz` behind it."""

STANDARD_INPUT = "-"

_COUNTS = re.compile(r"\s*\d+\s*\d+\s.*\bV[23]000\s*$")
_LAST_OF_HEADER = 3
"""The line of an SDF that says how many atoms and bonds there are, behind at most three others."""

_HEADERS = ("smiles", "smi", "canonical_smiles", "isomeric_smiles", "inchi", "structure", "molecule", "mol")
"""First words of a `.smi` file that are no molecule but the name of a column."""

# What is a path, and no SMILES, by its ending, although nothing can be read from such a file.
_OTHER_FILES = (
    ".cdx", ".cdxml", ".cif", ".cml", ".gz", ".html", ".json", ".mae", ".npz", ".pdbqt", ".pkl", ".smiles", ".txt",
    ".xls", ".xlsx", ".zip",
)  # fmt: skip


def read_inputs(sources: Iterable[str], smiles_column: str = "smiles") -> Iterator[MoleculeInput]:
    """Molecules of SMILES, InChI and files, in order, read as they are asked for.

    A source that ends in one of `INPUT_SUFFIXES`, or in one of them and `.gz`, is a file, and `-` is standard input,
    read as a `.smi` file. Every other one is a SMILES or an InChI if it reads as one, whatever files there are; if it
    does not, and there is such a file or it can only be the name of one, that is an error. In a `.smi` or `.inchi` file
    the molecule ends at the first blank (behind it may stand an extension in bars, `|a:1|`) and the rest of the line is
    the name; empty lines and lines that begin with `#` are passed over, and so is a first line such as `SMILES NAME`,
    with a warning. Of a file that is cut short, the record at its end is there as one that cannot be read.
    `.csv`, `.tsv` and `.parquet` files have a header; the column `name`, if there is one, names the molecules.

    Args:
        sources: SMILES, InChI and paths, in any mixture.
        smiles_column: header of the SMILES in tables, in upper or lower case.

    Raises:
        ValueError: a table has no such column, an existing file ends in something else, or `-` is there twice. (Once it
            is read: an SDF where lines are.)
        OSError: a file is missing or cannot be read.
        ModuleNotFoundError: a `.parquet` file without pyarrow. All are raised at once, before the first molecule is
            read.
    """
    sources = list(sources)
    if sources.count(STANDARD_INPUT) > 1:
        raise ValueError("standard input (-) is named twice: it can be read once")
    streams = [_open_source(source, smiles_column) for source in sources]
    return (molecule for stream in streams for molecule in stream)


def _open_source(source: str, smiles_column: str) -> Iterator[MoleculeInput]:
    if source == STANDARD_INPUT:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")
        return _of_lines(sys.stdin, "standard input")
    path, suffix = Path(source), _suffix(source)
    if suffix is not None:
        _check_readable(path)  # raises now what reading would raise later
        if suffix in (".smi", ".inchi"):
            return _until_cut(_of_lines(open_text(path), source), path)
        if suffix in (".csv", ".tsv"):
            return _until_cut(open_csv(path, smiles_column, "," if suffix == ".csv" else "\t"), path)
        if suffix == ".parquet":
            return open_parquet(path, smiles_column)
        reader = {".mol2": read_mol2, ".pdb": read_pdb, ".xyz": read_xyz}.get(suffix, _read_sdf)
        return _until_cut(reader(path), path)
    if not source.startswith("InChI=") and not _reads_as_smiles(source):
        if source and _is(path, Path.is_dir):
            raise IsADirectoryError(
                f"{source} is a folder: name its files, such as {source.rstrip('/')}/*.sdf"
            )
        if source and _is(path, Path.exists):
            raise ValueError(f"{source} is none of {', '.join(INPUT_SUFFIXES)}: rename or convert it")
    if _can_only_be_a_path(source):
        raise FileNotFoundError(f"there is no file {source} (and it is no SMILES)")
    return iter([MoleculeInput(source, source)])


def _suffix(source: str) -> str | None:
    """The one of `INPUT_SUFFIXES` that a name ends in, `.gz` left out; None if it is no such name."""
    plain = source.lower().removesuffix(".gz")
    return next((suffix for suffix in INPUT_SUFFIXES if plain.endswith(suffix)), None)


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path)
    except (OSError, ValueError):  # too long for a name, or with a character that no name has
        return False


def _check_readable(path: Path) -> None:
    with open_bytes(path) as file:
        try:
            with suppress(EOFError, zlib.error):  # it is cut short, which reading will tell
                file.read(1)
        except gzip.BadGzipFile:
            raise ValueError(f"{path} is not packed by gzip, although it ends so: rename it") from None


def _can_only_be_a_path(source: str) -> bool:
    looks_so = source.startswith(("/", "./", "../", "~")) or source.lower().endswith(_OTHER_FILES)
    return looks_so and not source.startswith("InChI=") and not _reads_as_smiles(source)


def _reads_as_smiles(source: str) -> bool:
    with rdBase.BlockLogs():
        try:
            return bool(source) and Chem.MolFromSmiles(source, sanitize=False) is not None
        except UnicodeError:
            return False


def _until_cut(molecules: Iterator[MoleculeInput], path: Path) -> Iterator[MoleculeInput]:
    """The molecules of a file; where it is packed and cut short, one in the end that cannot be read."""
    try:
        yield from molecules
    except (EOFError, zlib.error):
        yield MoleculeInput(None, f"{stem_of(path)}, the end", CUT_SHORT)


def _of_lines(file: TextIO, source: str) -> Iterator[MoleculeInput]:
    with file:
        lines = (line for line in file if line.strip() and not line.startswith("#"))
        for number, line in enumerate(lines):
            if number <= _LAST_OF_HEADER and _COUNTS.match(line):
                raise ValueError(
                    f"{source} is an SDF, where molecules as SMILES are read, one a line: give a file that ends in .sdf"
                )
            if number == 0 and _is_header(line):
                warnings.warn(
                    f"{source}: its first line, {line.strip()!r}, is taken as a header", stacklevel=1
                )
                continue
            yield _of_line(line)


def _is_header(line: str) -> bool:
    """Whether the first line of a file names its columns, as some programs write it."""
    return line.split()[0].lower() in _HEADERS


def _of_line(line: str) -> MoleculeInput:
    text, *rest = line.split(maxsplit=1)
    name = rest[0].strip() if rest else ""
    if name.startswith("|") and (end := name.find("|", 1)) > 0:  # CXSMILES
        extension, name = name[: end + 1], name[end + 1 :].strip()
        return MoleculeInput(f"{text} {extension}", name or text)
    return MoleculeInput(text, name or text)


def _read_sdf(path: Path) -> Iterator[MoleculeInput]:
    for number, (mol, title, reason) in enumerate(sdf.read_records(path), start=1):
        data = {} if mol is None else sdf.data_of(mol)
        yield MoleculeInput(mol, title or f"{stem_of(path)}_{number}", reason, data)


def read_fixed(path: str | os.PathLike[str]) -> Chem.Mol:
    """The substructure that is to keep its coordinates: the first record of an `.sdf` or `.mol` file.

    Raises:
        ValueError: it cannot be read as a molecule, or has no 3D coordinates.
        OSError: the file is missing or cannot be read.
    """
    mol = next(sdf.read_sdf(path), None)
    if mol is None:
        raise ValueError(f"{path} cannot be read as a molecule with coordinates (.sdf or .mol)")
    if not mol.GetNumConformers() or not mol.GetConformer().Is3D():
        raise ValueError(f"{path} has no coordinates in space: give a file of the 3D structure")
    return mol
