"""Molecules in from files, conformers out to files: one at a time, so that no list of them is ever held.

In: SMILES, `.smi`, `.csv`, `.sdf`. Out: `.sdf`, `.xyz`, and a table of one row per input. What is written appears under
its name only when it is complete.
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


def read_inputs(sources: Iterable[str], smiles_column: str = "smiles") -> Iterator[MoleculeInput]:
    """Molecules of SMILES and files, in order, read as they are asked for.

    A source that ends in `.smi`, `.csv` or `.sdf` is a file; every other one is a SMILES. In a `.smi` file the SMILES
    ends at the first blank and the rest of the line is the name; empty lines and lines that begin with `#` are passed
    over. A `.csv` file has a header; the column `name`, if there is one, names the molecules.

    Args:
        sources: SMILES and paths, in any mixture.
        smiles_column: header of the SMILES in `.csv` files, in upper or lower case.

    Raises:
        ValueError: a `.csv` file has no such column, or an existing file ends in something else.
        OSError: a file is missing or cannot be read. Both are raised at once, before the first molecule is read.
    """
    streams = [_open_source(source, smiles_column) for source in sources]
    return (molecule for stream in streams for molecule in stream)


def _open_source(source: str, smiles_column: str) -> Iterator[MoleculeInput]:
    path = Path(source)
    match path.suffix.lower():
        case ".smi":
            path.open().close()  # raises now what reading would raise later
            return _read_smi(path)
        case ".csv":
            with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
                columns = {name.strip().lower(): name for name in csv.DictReader(file).fieldnames or ()}
            if smiles_column.lower() not in columns:
                found = ", ".join(columns.values()) or "none: the file is empty"
                raise ValueError(f"{source} has no column '{smiles_column}' (its columns are {found})")
            return _read_csv(path, columns[smiles_column.lower()], columns.get("name"))
        case ".sdf":
            path.open().close()
            return _read_sdf(path)
        case _ if path.is_file():
            raise ValueError(f"{source} is neither .smi, .csv nor .sdf; rename or convert it")
        case _:
            return iter([MoleculeInput(source, source)])


def _read_smi(path: Path) -> Iterator[MoleculeInput]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                smiles, *rest = line.split(maxsplit=1)
                yield MoleculeInput(smiles, rest[0].strip() if rest else smiles)


def _read_csv(path: Path, smiles_column: str, name_column: str | None) -> Iterator[MoleculeInput]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        for row in csv.DictReader(file):
            smiles = (row[smiles_column] or "").strip()
            yield MoleculeInput(smiles, (row[name_column] or "") if name_column else smiles)


def _read_sdf(path: Path) -> Iterator[MoleculeInput]:
    with path.open("rb") as file, rdBase.BlockLogs():
        for index, mol in enumerate(Chem.ForwardSDMolSupplier(file, removeHs=False)):
            title = mol.GetProp("_Name").strip() if mol is not None and mol.HasProp("_Name") else ""
            yield MoleculeInput(mol, title or f"{path.stem}_{index + 1}")


def read_fixed(path: str | os.PathLike[str]) -> Chem.Mol:
    """The substructure that is to keep its coordinates: the first record of an `.sdf` or `.mol` file.

    Raises:
        ValueError: it cannot be read as a molecule.
        OSError: the file is missing or cannot be read.
    """
    with open(path, "rb") as file, rdBase.BlockLogs():
        mol = next(iter(Chem.ForwardSDMolSupplier(file, removeHs=False)), None)
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
        self._record = {".sdf": _sdf_record, ".xyz": _xyz_record}[suffix.lower()]
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


def _sdf_record(mol: Chem.Mol, conformer_id: int, name: str, properties: Mapping[str, object]) -> str:
    record = Chem.Mol(mol, confId=conformer_id)
    for key in record.GetPropNames():
        record.ClearProp(key)
    record.SetProp("_Name", _one_line(name))
    for key, value in properties.items():
        record.SetProp(key, _one_line(str(value)))
    return Chem.SDWriter.GetText(record, confId=conformer_id)


def _xyz_record(mol: Chem.Mol, conformer_id: int, name: str, properties: Mapping[str, object]) -> str:
    """Extended XYZ: the comment line holds the properties as key=value, as ASE and others read them."""
    positions = mol.GetConformer(conformer_id).GetPositions()
    entries = {"name": _one_line(name), **properties}
    comment = " ".join(f"{key}={json.dumps(value, default=str)}" for key, value in entries.items())
    lines = [str(mol.GetNumAtoms()), f"Properties=species:S:1:pos:R:3 {comment}"]
    for atom, (x, y, z) in zip(mol.GetAtoms(), positions, strict=True):
        lines.append(f"{atom.GetSymbol():2s} {x:12.6f} {y:12.6f} {z:12.6f}")
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())
