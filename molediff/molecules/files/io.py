"""Molecules in from SMILES and files: one at a time, so that no list of them is ever held."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from rdkit import Chem, rdBase

from molediff.molecules.files import sdf
from molediff.molecules.files.inputs import MoleculeInput as MoleculeInput
from molediff.molecules.files.inputs import open_bytes, open_text, stem_of
from molediff.molecules.files.mol2 import read_mol2
from molediff.molecules.files.pdb import read_pdb
from molediff.molecules.files.tables import open_csv, open_parquet

INPUT_SUFFIXES = (".smi", ".inchi", ".csv", ".tsv", ".sdf", ".sd", ".mol", ".mol2", ".pdb", ".parquet")
"""Files that molecules are read from; each also with `.gz` behind it."""

STANDARD_INPUT = "-"

# What is a path, and no SMILES, by its ending, although nothing can be read from such a file.
_OTHER_FILES = (
    ".cdx", ".cdxml", ".cif", ".cml", ".gz", ".json", ".mae", ".npz", ".pdbqt", ".pkl", ".smiles", ".txt", ".xls",
    ".xlsx", ".xyz", ".zip",
)  # fmt: skip


def read_inputs(sources: Iterable[str], smiles_column: str = "smiles") -> Iterator[MoleculeInput]:
    """Molecules of SMILES, InChI and files, in order, read as they are asked for.

    A source that ends in one of `INPUT_SUFFIXES`, or in one of them and `.gz`, is a file, and `-` is standard input,
    read as a `.smi` file. Every other one is a SMILES or an InChI if it reads as one, whatever files there are; if it
    does not, and there is such a file or it can only be the name of one, that is an error. In a `.smi` or `.inchi` file
    the molecule ends at the first blank (behind it may stand an extension in bars, `|a:1|`) and the rest of the line is
    the name; empty lines and lines that begin with `#` are passed over.
    `.csv`, `.tsv` and `.parquet` files have a header; the column `name`, if there is one, names the molecules.

    Args:
        sources: SMILES, InChI and paths, in any mixture.
        smiles_column: header of the SMILES in tables, in upper or lower case.

    Raises:
        ValueError: a table has no such column, or an existing file ends in something else.
        OSError: a file is missing or cannot be read.
        ModuleNotFoundError: a `.parquet` file without pyarrow. All are raised at once, before the first molecule is
            read.
    """
    streams = [_open_source(source, smiles_column) for source in sources]
    return (molecule for stream in streams for molecule in stream)


def _open_source(source: str, smiles_column: str) -> Iterator[MoleculeInput]:
    if source == STANDARD_INPUT:
        return _of_lines(sys.stdin)
    path, suffix = Path(source), _suffix(source)
    if suffix is not None:
        _check_readable(path)  # raises now what reading would raise later
        if suffix in (".smi", ".inchi"):
            return _of_lines(open_text(path))
        if suffix in (".csv", ".tsv"):
            return open_csv(path, smiles_column, "," if suffix == ".csv" else "\t")
        if suffix == ".parquet":
            return open_parquet(path, smiles_column)
        return {".mol2": read_mol2, ".pdb": read_pdb}.get(suffix, _read_sdf)(path)
    if not source.startswith("InChI=") and not _reads_as_smiles(source):
        if source and _is(path, Path.is_dir):
            raise IsADirectoryError(
                f"{source} is a folder: name its files, such as {source.rstrip('/')}/*.sdf"
            )
        if _is(path, Path.exists):
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


def _of_lines(file: TextIO) -> Iterator[MoleculeInput]:
    with file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                yield _of_line(line)


def _of_line(line: str) -> MoleculeInput:
    text, *rest = line.split(maxsplit=1)
    name = rest[0].strip() if rest else ""
    if name.startswith("|") and (end := name.find("|", 1)) > 0:  # CXSMILES
        extension, name = name[: end + 1], name[end + 1 :].strip()
        return MoleculeInput(f"{text} {extension}", name or text)
    return MoleculeInput(text, name or text)


def _read_sdf(path: Path) -> Iterator[MoleculeInput]:
    for index, mol in enumerate(sdf.read_sdf(path)):
        yield MoleculeInput(mol, sdf.title_of(mol) or f"{stem_of(path)}_{index + 1}")


def read_fixed(path: str | os.PathLike[str]) -> Chem.Mol:
    """The substructure that is to keep its coordinates: the first record of an `.sdf` or `.mol` file.

    Raises:
        ValueError: it cannot be read as a molecule.
        OSError: the file is missing or cannot be read.
    """
    mol = next(sdf.read_sdf(path), None)
    if mol is None:
        raise ValueError(f"{path} cannot be read as a molecule with coordinates (.sdf or .mol)")
    return mol
