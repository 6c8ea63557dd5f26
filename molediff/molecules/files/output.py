"""Conformers out to files: the ending of the name says how. A file appears under its name when it is complete."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

from rdkit import Chem

from molediff.molecules.files.arrays import ArraysOutput
from molediff.molecules.files.ensembles import skeleton
from molediff.molecules.files.frame import ParquetOutput
from molediff.molecules.files.pdb import ONE_MOLECULE, pdb_record
from molediff.molecules.files.records import Drawn, Record, records_of
from molediff.molecules.files.sdf import sdf_record, title_of
from molediff.molecules.files.xyz import xyz_record
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.hydrogens import bare_smiles
from molediff.runtime.files import NameAtEnd, complete_binary_file, complete_file, complete_gzip_file

Input = TypeVar("Input")

TEXT_SUFFIXES = (".sdf", ".xyz", ".pdb")
OUTPUT_SUFFIXES = (".sdf", ".sdf.gz", ".xyz", ".xyz.gz", ".pdb", ".pdb.gz", ".parquet", ".npz")


class ResultWriter:
    """Hands the conformers of results, as records, to one kind of file.

    Args:
        add: takes the records of one molecule.
        provenance: what to store with every conformer beyond `GenerationResult.provenance`.
    """

    def __init__(
        self, add: Callable[[Sequence[Record]], None], provenance: Mapping[str, object] | None = None
    ) -> None:
        self._add = add
        self._provenance = {key: value for key, value in (provenance or {}).items() if value is not None}

    def write(self, result: Drawn | Chem.Mol, name: str, data: Mapping[str, str] | None = None) -> int:
        """Write all conformers of a result, or of a Mol, and return their number.

        Args:
            result: what was generated.
            name: title of its records.
            data: fields of its input, which SDF records have besides ours; ours are kept where names are the same.
        """
        records = list(records_of(result, name, self._provenance, data))
        if records:
            self._add(records)
        return len(records)


class ConformerWriter(ResultWriter):
    """Writes the conformers of molecules to an open text file, one record a conformer; of one molecule, if it is PDB.

    Args:
        file: open for writing text; the caller closes it.
        suffix: one of `TEXT_SUFFIXES`.
        provenance: what to store with every conformer beyond `GenerationResult.provenance`.
    """

    def __init__(self, file: TextIO, suffix: str, provenance: Mapping[str, object] | None = None) -> None:
        super().__init__(self._add_text, provenance)
        self._file, self._suffix, self._number = file, suffix.lower(), 0
        self._skeleton: object = None  # of the molecule of a PDB file
        if self._suffix not in TEXT_SUFFIXES:
            raise ValueError(f"as text, conformers are written as {', '.join(TEXT_SUFFIXES)}; got '{suffix}'")

    def _add_text(self, records: Sequence[Record]) -> None:
        if self._suffix == ".pdb":
            mine = skeleton(records[0].mol)
            if self._skeleton not in (None, mine):
                raise ValueError(ONE_MOLECULE)
            self._skeleton = mine
        self._file.write("".join(map(self._text, records)))

    def _text(self, record: Record) -> str:
        self._number += 1
        of = record.mol, record.conformer_id, record.title, record.properties
        if self._suffix == ".pdb":
            return pdb_record(*of, number=self._number)
        return sdf_record(*of, data=record.data) if self._suffix == ".sdf" else xyz_record(*of)


@contextmanager
def open_output(
    path: str | os.PathLike[str],
    provenance: Mapping[str, object] | None = None,
    name_at_end: NameAtEnd | None = None,
) -> Iterator[ResultWriter]:
    """A new file for results, of one of `OUTPUT_SUFFIXES`, which gets its name when the block ends without an error.

    Text and Parquet are written as results come; an `.npz` file is held in memory until the end.

    Args:
        path: missing folders are made, a file of this name is replaced.
        provenance: what to store with every conformer beyond `GenerationResult.provenance`.
        name_at_end: see `complete_file`.

    Raises:
        ValueError: the name ends in something else.
        ModuleNotFoundError: a `.parquet` file without pyarrow.
        OSError: the file cannot be written. All are raised at once.
    """
    suffix = output_suffix(path)
    if suffix == ".parquet":
        with complete_binary_file(path, name_at_end) as file, ParquetOutput(file) as table:
            yield ResultWriter(table.add, provenance)
    elif suffix == ".npz":
        with complete_binary_file(path, name_at_end) as file:
            arrays = ArraysOutput()
            yield ResultWriter(arrays.add, provenance)
            arrays.save(file)
    else:
        complete = complete_gzip_file if suffix.endswith(".gz") else complete_file
        with complete(path, name_at_end) as text:
            yield ConformerWriter(text, suffix.removesuffix(".gz"), provenance)


def output_suffix(path: str | os.PathLike[str]) -> str:
    """The one of `OUTPUT_SUFFIXES` that a name ends in.

    Raises:
        ValueError: it ends in none of them.
    """
    name = Path(path).name.lower()
    for suffix in OUTPUT_SUFFIXES:
        if name.endswith(suffix):
            return suffix
    why = (
        " (mol2 is read, not written: its atom types are those of one program; give .sdf)"
        if name.endswith(".mol2")
        else ""
    )
    raise ValueError(f"conformers are written as {', '.join(OUTPUT_SUFFIXES)}, not as '{path}'{why}")


def check_holds(path: str | os.PathLike[str], num_molecules: int) -> None:
    """See whether a file of this name can hold so many molecules, before any is drawn.

    Raises:
        ValueError: it is a `.pdb` file, whose readers take all models for conformers of the first.
    """
    if num_molecules > 1 and _holds_one(path):
        raise ValueError(ONE_MOLECULE)


def few_enough(inputs: Iterator[Input], path: str | os.PathLike[str]) -> Iterator[Input]:
    """The same inputs, checked as by `check_holds`: of those for a `.pdb` file two are read at once.

    Raises:
        ValueError: there are several.
    """
    if not _holds_one(path):
        return inputs
    first = list(itertools.islice(inputs, 2))
    check_holds(path, len(first))
    return itertools.chain(first, inputs)


def _holds_one(path: str | os.PathLike[str]) -> bool:
    return Path(path).name.lower().removesuffix(".gz").endswith(".pdb")


Results = Drawn | Chem.Mol | Iterable[Any]

_NO_NAME = object()


def write(results: Results, path: str | os.PathLike[str], names: Iterable[Any] | None = None) -> int:
    """Write conformers to a file; its ending says how: see `OUTPUT_SUFFIXES`.

    Results are written as they come, so that `generate_many` needs no list; those without conformers are passed over.

    Args:
        results: a result of a generator, an RDKit Mol with conformers, or an iterable of them.
        path: missing folders are made, a file of this name is replaced.
        names: a title for each of them, text or a number. None, also for one of them: the title of the molecule, else
            its SMILES.

    Returns:
        How many conformers were written.

    Raises:
        ValueError: the name ends in something else, there is no conformer at all, there are fewer names than results,
            or several molecules for a `.pdb` file, which holds one. The file is then as it was.
        TypeError: something is neither a result nor a Mol, or `names` is no list.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from rdkit.Chem import AddHs, MolFromSmiles, rdDistGeom
        >>> mol = AddHs(MolFromSmiles("CCO"))
        >>> _ = rdDistGeom.EmbedMultipleConfs(mol, 3, randomSeed=7)
        >>> with TemporaryDirectory() as folder:
        ...     write(mol, f"{folder}/ethanol.sdf")
        3
    """
    listed = [results] if isinstance(results, Drawn | Chem.Mol) else results
    if isinstance(listed, str) or not isinstance(listed, Iterable):
        raise TypeError(f"write takes results or Mols with conformers; got {type(results).__name__}")
    if isinstance(names, str | bytes) or not (names is None or isinstance(names, Iterable)):
        raise TypeError(f"names takes a list with a title for each result; got {names!r}")
    titles: Iterator[Any] = itertools.repeat(None) if names is None else iter(names)
    num, reasons = 0, []
    with open_output(path) as writer:
        for result in listed:
            if not isinstance(result, Drawn | Chem.Mol):
                raise TypeError(f"write takes results or Mols with conformers; got {type(result).__name__}")
            title = next(titles, _NO_NAME)
            if title is _NO_NAME:
                raise ValueError("there are fewer names than results: give one for each")
            num += writer.write(result, _title(result) if title is None else str(title))
            if not isinstance(result, Chem.Mol) and result.reason:
                reasons.append(f"{result.smiles}: {result.reason}")
        if num == 0:
            why = f" ({reasons[0]})" if reasons else ""
            raise ValueError(f"no conformer to write: {path} is as it was{why}")
    return num


def write_as(result: GenerationResult, path: str | os.PathLike[str], suffix: str) -> int:
    """The same for one result and a file that must be of one kind, compressed or not.

    Raises:
        ValueError: the name ends in something else, or there is no conformer.
    """
    if output_suffix(path).removesuffix(".gz") != suffix:
        raise ValueError(
            f"the name must end in {suffix} or {suffix}.gz, not as '{path}': molediff.write knows others"
        )
    return write(result, path)


def text_of(result: Drawn | Chem.Mol, suffix: str) -> str:
    """What stands in a file of `TEXT_SUFFIXES`, as text; empty without conformers."""
    file = io.StringIO(newline="")
    ConformerWriter(file, suffix).write(result, _title(result))
    return file.getvalue()


def _title(result: Drawn | Chem.Mol) -> str:
    mol = result if isinstance(result, Chem.Mol) else result.mol
    if title := title_of(mol):
        return title
    return bare_smiles(result) if isinstance(result, Chem.Mol) else result.smiles
