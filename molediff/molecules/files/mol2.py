"""Tripos mol2 files: read, record by record. They are not written: their atom types are those of one program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rdkit import Chem, rdBase

from molediff.molecules.files.inputs import MoleculeInput, open_text, stem_of

_HEAD = "@<TRIPOS>MOLECULE"


def read_mol2(path: Path) -> Iterator[MoleculeInput]:
    """The molecules of a mol2 file, with hydrogens and coordinates; None for one that cannot be read.

    RDKit knows the atom types of Corina, which most programs write; it tells charges from them.
    """
    for number, block in enumerate(_blocks(path), start=1):
        title = block.splitlines()[1].strip() if block.count("\n") > 1 else ""
        with rdBase.BlockLogs():
            mol = Chem.MolFromMol2Block(block, removeHs=False)
        yield MoleculeInput(mol, title.strip("* ") or f"{stem_of(path)}_{number}")


def _blocks(path: Path) -> Iterator[str]:
    lines: list[str] = []
    with open_text(path) as file:
        for line in file:
            if line.startswith(_HEAD) and lines:
                yield "".join(lines)
                lines = []
            if line.startswith(_HEAD) or lines:
                lines.append(line)
    if lines:
        yield "".join(lines)
