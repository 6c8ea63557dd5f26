"""Molecules in from files, conformers out to files: one at a time, so that no list of them is ever held.

In: SMILES, InChI, `.smi`, `.inchi`, `.csv`, `.sdf`, `.mol`. Out: `.sdf`, `.xyz`, and a table of one row per input. What
is written appears under its name only when it is complete.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from rdkit import Chem, rdBase

from molediff.molecules.files import sdf
from molediff.molecules.generation.result import GenerationResult

OUTPUT_SUFFIXES = (".sdf", ".xyz")


@dataclass(frozen=True)
class MoleculeInput:
    """One molecule as its source gives it: nothing is checked yet.

    Attributes:
        molecule: SMILES, or the Mol of an SDF record, or None if the record cannot be read.
        name: title in the file, or the SMILES.
    """

    molecule: str | Chem.Mol | None
    name: str


_FILES = (".smi", ".inchi", ".csv", *sdf.SUFFIXES)
# What is a path, and no SMILES, by its ending, although nothing can be read from such a file.
_OTHER_FILES = (
    ".cdx", ".cdxml", ".cif", ".cml", ".gz", ".json", ".mae", ".mol2", ".parquet", ".pdb", ".pdbqt", ".pkl", ".smiles",
    ".tsv", ".txt", ".xls", ".xlsx", ".xyz", ".zip",
)  # fmt: skip


def read_inputs(sources: Iterable[str], smiles_column: str = "smiles") -> Iterator[MoleculeInput]:
    """Molecules of SMILES, InChI and files, in order, read as they are asked for.

    A source that ends in `.smi`, `.inchi`, `.csv`, `.sdf`, `.sd`, `.mol` or `.sdf.gz` is a file; every other one is a
    SMILES or an InChI, unless there is such a file or it can only be the name of one. In a `.smi` or `.inchi` file the
    molecule ends at the first blank (behind it may stand an extension in bars, `|a:1|`) and the rest of the line is the
    name; empty lines and lines that begin with `#` are passed over. A `.csv` file has a header; the column `name`, if
    there is one, names the molecules.

    Args:
        sources: SMILES, InChI and paths, in any mixture.
        smiles_column: header of the SMILES in `.csv` files, in upper or lower case.

    Raises:
        ValueError: a `.csv` file has no such column, or an existing file ends in something else.
        OSError: a file is missing or cannot be read. Both are raised at once, before the first molecule is read.
    """
    streams = [_open_source(source, smiles_column) for source in sources]
    return (molecule for stream in streams for molecule in stream)


def _open_source(source: str, smiles_column: str) -> Iterator[MoleculeInput]:
    path, ending = Path(source), source.lower()
    if ending.endswith(_FILES):
        path.open("rb").close()  # raises now what reading would raise later
        if ending.endswith((".smi", ".inchi")):
            return _read_lines(path)
        return _open_csv(path, smiles_column) if ending.endswith(".csv") else _read_sdf(path)
    if not source.startswith("InChI=") and _exists(path):
        raise ValueError(f"{source} is none of {', '.join(_FILES)}: rename or convert it")
    if _can_only_be_a_path(source):
        raise FileNotFoundError(f"there is no file {source} (and it is no SMILES)")
    return iter([MoleculeInput(source, source)])


def _exists(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # too long for a name, or with a character that no name has
        return False


def _can_only_be_a_path(source: str) -> bool:
    looks_so = source.startswith(("/", "./", "../", "~")) or source.lower().endswith(_OTHER_FILES)
    if not looks_so or source.startswith("InChI="):
        return False
    with rdBase.BlockLogs():
        try:
            return Chem.MolFromSmiles(source, sanitize=False) is None
        except UnicodeError:
            return True


def _read_lines(path: Path) -> Iterator[MoleculeInput]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
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


def _open_csv(path: Path, smiles_column: str) -> Iterator[MoleculeInput]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        try:
            header = next(csv.reader(file), [])
        except csv.Error as error:
            raise ValueError(f"the header of {path} cannot be read ({error})") from None
    columns = {name.strip().lower(): place for place, name in reversed(list(enumerate(header)))}
    if smiles_column.lower() not in columns:
        found = ", ".join(header) or "none: the file is empty"
        raise ValueError(f"{path} has no column '{smiles_column}' (its columns are {found})")
    return _read_csv(path, columns[smiles_column.lower()], columns.get("name"))


def _read_csv(path: Path, smiles_column: int, name_column: int | None) -> Iterator[MoleculeInput]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.reader(file)
        next(rows)
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except (
                csv.Error
            ):  # such as a field of more than 131,072 characters: the row is lost, the next is not
                yield MoleculeInput(None, f"{path.stem}, line {rows.line_num}")
                continue
            if row:
                smiles = row[smiles_column].strip() if smiles_column < len(row) else ""
                named = name_column is not None and name_column < len(row)
                yield MoleculeInput(
                    smiles, row[name_column or 0] if named else smiles if name_column is None else ""
                )


def _read_sdf(path: Path) -> Iterator[MoleculeInput]:
    for index, mol in enumerate(sdf.read_sdf(path)):
        yield MoleculeInput(mol, sdf.title_of(mol) or f"{path.name.split('.')[0]}_{index + 1}")


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


class ConformerWriter:
    """Writes the conformers of molecules to an open `.sdf` or `.xyz` file, one record a conformer.

    Args:
        file: open for writing text; the caller closes it.
        suffix: `.sdf` or `.xyz`.
        provenance: what to store with every conformer beyond `GenerationResult.provenance`.
    """

    def __init__(self, file: TextIO, suffix: str, provenance: Mapping[str, object] | None = None) -> None:
        self._record = {".sdf": sdf.sdf_record, ".xyz": _xyz_record}[suffix.lower()]
        self._file = file
        self._provenance = {key: value for key, value in (provenance or {}).items() if value is not None}

    def write(self, result: GenerationResult, name: str) -> int:
        """Write all conformers of a result, with `name` as title, and return their number."""
        if result.mol is None:
            return 0
        for index, conformer in enumerate(result.mol.GetConformers()):
            properties = {
                "SMILES": result.smiles,
                "conformer": index,
                "seed": result.seed,
                **result.provenance,
                **self._provenance,
            }
            if result.energies is not None and np.isfinite(result.energies[index]):
                properties[f"{result.energy_method}_kcal_per_mol"] = round(float(result.energies[index]), 4)
                properties["relative_kcal_per_mol"] = round(float(result.relative_energies[index]), 4)
            self._file.write(self._record(result.mol, conformer.GetId(), name, properties))
        return result.num_conformers


def _xyz_record(mol: Chem.Mol, conformer_id: int, name: str, properties: Mapping[str, object]) -> str:
    """Extended XYZ: the comment line holds the total charge and the properties as key=value, as ASE reads them."""
    positions = mol.GetConformer(conformer_id).GetPositions()
    entries = {"name": " ".join(name.split()), "charge": Chem.GetFormalCharge(mol), **properties}
    comment = " ".join(f"{key}={json.dumps(value, default=str)}" for key, value in entries.items())
    lines = [str(mol.GetNumAtoms()), f"Properties=species:S:1:pos:R:3 {comment}"]
    for atom, (x, y, z) in zip(mol.GetAtoms(), positions, strict=True):
        lines.append(f"{atom.GetSymbol():2s} {x:12.6f} {y:12.6f} {z:12.6f}")
    return "\n".join(lines) + "\n"
